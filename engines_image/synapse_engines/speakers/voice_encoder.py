"""Voice encoder: a recording becomes 256 numbers, similar for recordings of the same voice.

The model is GE2E (Wan and others, 2018, https://arxiv.org/abs/1710.10467) as trained for Resemblyzer: three LSTM layers
and a projection over mel spectrograms of 1.6 s, averaged over the recording.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.voice_activity import speech_spans
from synapse_engines.audio.waveform import Samples, Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.settings import SettingError
from synapse_engines.speakers.lstm import lstm_layers
from synapse_engines.speakers.mel import BANDS, RATE, STEP, mel_spectrogram
from synapse_engines.speakers.torch_file import TorchFileError, read_tensors
from synapse_engines.web.work_queue import CancelEvent

Vector = NDArray[np.float32]
LAYERS = 3
DIMENSIONS = 256
WINDOW = 160
"""Frames of a window, 1.6 s: the model was trained with this length."""
WINDOW_STEP = 77
"""Frames between two windows: 1.3 windows per second."""
MIN_COVERAGE = 0.75
"""Share of the last window that has samples; a shorter last window is left out."""
BATCH = 32
"""Windows that pass the network at once."""
LEVEL_DBFS = -30.0
"""Level to which a quiet recording is raised."""
MAX_PAUSE_S, MIN_SPEECH_S = 0.2, 0.1
MAX_SPEECH_S = 300
"""Speech that a voice is taken from; more of it does not change the voice."""


class VoiceEncoder:
    """The model of the file *path*. Raises SettingError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        try:
            tensors = read_tensors(path, "model_state")
            self._layers = lstm_layers(tensors, LAYERS)
            self._weight, self._bias = tensors["linear.weight"].T, tensors["linear.bias"]
        except (TorchFileError, OSError, KeyError) as error:
            raise SettingError(f"voice encoder: {error}; accepted: the file pretrained.pt of Resemblyzer") from error

    def embed(self, waveform: Waveform, cancel: CancelEvent | None = None) -> Vector:
        """Return the voice of *waveform*, at 16 kHz, as DIMENSIONS values of length 1.

        Raises BadInputError if there is no speech in it.
        """
        return self.embed_speech(speech_of(waveform), cancel)

    def embed_speech(self, samples: Samples, cancel: CancelEvent | None = None) -> Vector:
        """Return the voice of *samples*, which have no pauses. Raises BadInputError if they are empty."""
        if not len(samples):
            raise BadInputError("no voice in the recording")
        return unit(self.embed_windows(raise_level(samples), cancel).mean(axis=0))

    def embed_windows(self, samples: Samples, cancel: CancelEvent | None = None) -> Vector:
        """Return the voice in each window of *samples*, of shape (windows, DIMENSIONS).

        After a cancellation the windows that are left have zeros.
        """
        starts = window_starts(len(samples))
        missing = (starts[-1] + WINDOW) * STEP - len(samples)
        spectra = mel_spectrogram(np.pad(samples, (0, max(missing, 0))))
        vectors = np.zeros((len(starts), DIMENSIONS), np.float32)
        for first in range(0, len(starts), BATCH):
            if cancel is not None and cancel.is_set():
                break
            batch = np.stack([spectra[start : start + WINDOW] for start in starts[first : first + BATCH]])
            vectors[first : first + BATCH] = self._run(batch)
        return vectors

    def embed_pieces(self, pieces: Sequence[Samples], cancel: CancelEvent | None = None) -> Vector:
        """Return the voice of each of *pieces*, of shape (pieces, DIMENSIONS); a piece has at most one window.

        A shorter piece is repeated. After a cancellation the pieces that are left have zeros.
        """
        vectors = np.zeros((len(pieces), DIMENSIONS), np.float32)
        for first in range(0, len(pieces), BATCH):
            if cancel is not None and cancel.is_set():
                break
            batch = (np.resize(piece, WINDOW * STEP) for piece in pieces[first : first + BATCH])
            spectra = np.stack([mel_spectrogram(raise_level(samples))[:WINDOW] for samples in batch])
            vectors[first : first + BATCH] = self._run(spectra)
        return vectors

    def _run(self, spectra: NDArray[np.float32]) -> Vector:
        """Return the vectors (batch, DIMENSIONS) of *spectra* (batch, WINDOW, BANDS)."""
        assert spectra.shape[1:] == (WINDOW, BANDS)  # noqa: S101 - the shape of the model
        for layer in self._layers:
            spectra = layer.run(spectra)
        return unit(np.maximum(spectra[:, -1] @ self._weight + self._bias, 0))


def speech_of(waveform: Waveform) -> Samples:
    """Return the first MAX_SPEECH_S of *waveform* without its pauses. Raises ValueError at another rate than 16 kHz."""
    if waveform.rate != RATE:
        raise ValueError(f"got a recording at {waveform.rate} Hz; accepted: {RATE} Hz")
    spans = speech_spans(waveform, MAX_PAUSE_S, MIN_SPEECH_S)
    parts = [waveform.between(span.start, span.end).samples for span in spans]
    return np.concatenate(parts)[: MAX_SPEECH_S * RATE] if parts else np.empty(0, np.float32)


def window_starts(count: int) -> Sequence[int]:
    """Return the first frame of each window of *count* samples; there is at least one."""
    frames = count // STEP + 1
    starts = range(0, max(1, frames - WINDOW + WINDOW_STEP + 1), WINDOW_STEP)
    covered = (count - starts[-1] * STEP) / (WINDOW * STEP)
    return starts[:-1] if covered < MIN_COVERAGE and len(starts) > 1 else starts


def raise_level(samples: Samples) -> Samples:
    """Return *samples* raised to the level LEVEL_DBFS; louder ones stay as they are."""
    power = float(samples @ samples) / len(samples)
    gain = 10 ** (LEVEL_DBFS / 20) / max(np.sqrt(power), 1e-9)
    return samples * np.float32(gain) if gain > 1 else samples


def unit(vectors: Vector) -> Vector:
    """Return *vectors* with length 1 along the last axis."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vector = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled
