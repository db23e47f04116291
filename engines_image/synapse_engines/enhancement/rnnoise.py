"""RNNoise: a small recurrent network that removes noise from speech, 10 ms at a time.

https://jmvalin.ca/demo/rnnoise/

The shared library, with its model, is that of the package `pyrnnoise`. The package's Python code is not imported,
because it needs a plotting library.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from synapse_engines.audio.waveform import FULL_SCALE, Samples
from synapse_engines.errors import FailedError
from synapse_engines.web.work_queue import CancelEvent

RATE = 48_000
FRAME = 480
"""Samples of a frame, the unit that the network processes."""
DELAY = 2 * FRAME
"""Delay of the output in samples (measured)."""
_FLOATS = ctypes.POINTER(ctypes.c_float)


@cache
def _library() -> ctypes.CDLL:
    spec = find_spec("pyrnnoise")
    if spec is None or not spec.submodule_search_locations:
        raise FailedError("RNNoise is missing: install the package pyrnnoise")
    library = ctypes.CDLL(str(Path(spec.submodule_search_locations[0]) / "librnnoise.so"))
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = [ctypes.c_void_p], ctypes.c_void_p
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [ctypes.c_void_p], None
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, _FLOATS, _FLOATS]
    library.rnnoise_process_frame.restype = ctypes.c_float
    return library


@contextmanager
def _state() -> Iterator[int]:
    state = _library().rnnoise_create(None)
    try:
        yield state
    finally:
        _library().rnnoise_destroy(state)


def denoise(samples: Samples, cancel: CancelEvent) -> Samples:
    """Remove the noise of *samples* at 48 kHz; the length stays the same, the part after a cancellation is silent."""
    # Two more frames take up the delay, a third the incomplete frame at the end.
    frames = np.zeros((len(samples) // FRAME + 3, FRAME), np.float32)
    frames.reshape(-1)[: len(samples)] = samples * np.float32(FULL_SCALE)
    with _state() as state:
        for frame in frames:
            if cancel.is_set():
                break
            pointer = frame.ctypes.data_as(_FLOATS)
            _library().rnnoise_process_frame(state, pointer, pointer)
    return frames.reshape(-1)[DELAY : DELAY + len(samples)] / np.float32(FULL_SCALE)
