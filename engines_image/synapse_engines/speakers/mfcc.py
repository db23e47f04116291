"""Mel-frequency cepstral coefficients (MFCC): the shape of a voice's spectrum, 100 times per second.

Davis and Mermelstein, 1980; the filters are those of HTK, https://www.fon.hum.uva.nl/praat/manual/MelFilter.html
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.waveform import Waveform

Matrix = NDArray[np.float64]
RATE = 16_000
SIZE, STEP = 400, 160
"""Samples of a frame, and samples between the starts of two frames."""
FFT = 512
FILTERS = 32
COEFFICIENTS = 20
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0


def mfcc(waveform: Waveform) -> Matrix:
    """Return a row of coefficients for each frame; the first coefficient is the loudness."""
    if len(waveform.samples) < SIZE:
        return np.empty((0, COEFFICIENTS))
    emphasised = np.append(waveform.samples[:1], waveform.samples[1:] - 0.97 * waveform.samples[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, SIZE)[::STEP]
    power = np.abs(np.fft.rfft(frames * np.hamming(SIZE), FFT)) ** 2
    return np.log(power @ _mel_filters().T + 1e-10) @ _dct_matrix().T


@cache
def _mel_filters() -> Matrix:
    """Return triangular filters, evenly spaced on the mel scale."""
    edges = _hz(np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), FILTERS + 2))
    bins = np.fft.rfftfreq(FFT, 1 / RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(np.minimum(rising, falling), 0)


@cache
def _dct_matrix() -> Matrix:
    """Return the matrix of the discrete cosine transform."""
    orders, positions = np.arange(COEFFICIENTS)[:, None], np.arange(FILTERS)[None, :]
    matrix: Matrix = np.cos(np.pi * orders * (positions + 0.5) / FILTERS) * np.sqrt(2 / FILTERS)
    return matrix


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: Matrix) -> Matrix:
    return 700 * (10 ** (mel / 2595) - 1)
