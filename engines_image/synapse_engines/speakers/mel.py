"""Mel spectrogram: the power of 40 frequency bands, 100 times per second.

The bands are those of Slaney's auditory toolbox, each with an area of 1, as in librosa:
https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.waveform import Samples

RATE = 16_000
SIZE, STEP = 400, 160
"""Samples of a frame, and samples between the starts of two frames."""
BANDS = 40
BATCH = 4096
"""Frames that are transformed at once, so that a long recording needs no more memory than a short one."""
LINEAR_HZ, LINEAR_BANDS = 1000.0, 15.0
"""Slaney's scale is linear up to 1000 Hz, which is band 15, and logarithmic above."""
LOG_STEP = math.log(6.4) / 27


def mel_spectrogram(samples: Samples) -> NDArray[np.float32]:
    """Return the bands (1 + len(samples) // STEP, BANDS) of frames that are centred on every STEP-th sample."""
    padded = np.pad(samples, SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::STEP]
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    spectra = np.empty((len(frames), BANDS), np.float32)
    for start in range(0, len(frames), BATCH):
        power = np.abs(np.fft.rfft(frames[start : start + BATCH] * window)) ** 2
        spectra[start : start + BATCH] = power @ _filters().T
    return spectra


@cache
def _filters() -> NDArray[np.float64]:
    """Return triangular filters of shape (BANDS, SIZE // 2 + 1)."""
    edges = _hz(np.linspace(0, _mel(RATE / 2), BANDS + 2))
    bins = np.fft.rfftfreq(SIZE, 1 / RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    areas: NDArray[np.float64] = 2 / (edges[2:] - edges[:-2])[:, None]
    return np.maximum(np.minimum(rising, falling), 0) * areas


def _mel(hz: float) -> float:
    return LINEAR_BANDS + math.log(hz / LINEAR_HZ) / LOG_STEP


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * LINEAR_HZ / LINEAR_BANDS
    return np.where(mel < LINEAR_BANDS, linear, LINEAR_HZ * np.exp(LOG_STEP * (mel - LINEAR_BANDS)))
