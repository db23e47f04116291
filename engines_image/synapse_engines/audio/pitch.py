"""Pitch of a voice by autocorrelation: the lag at which a frame resembles itself most."""

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.waveform import Samples, Waveform

LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0
FRAME_S, STEP_S = 0.04, 0.02
MIN_CORRELATION = 0.5
"""Autocorrelation of a voiced frame; consonants and noise stay below."""


def frame_pitches(waveform: Waveform) -> NDArray[np.float64]:
    """Return the pitch of each voiced frame in Hz."""
    size, step = round(FRAME_S * waveform.rate), round(STEP_S * waveform.rate)
    starts = range(0, len(waveform.samples) - size, step)
    frames = (_frame_pitch(waveform.samples[start : start + size], waveform.rate) for start in starts)
    return np.array([hz for hz in frames if hz])


def median_pitch(waveform: Waveform) -> float | None:
    """Return the median pitch in Hz, or None if no frame is voiced."""
    hz = frame_pitches(waveform)
    return float(np.median(hz)) if len(hz) else None


def _frame_pitch(frame: Samples, rate: int) -> float:
    """Return the pitch in Hz, or 0 if the frame is not voiced."""
    centred = frame - frame.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    if correlation[0] < 1e-4 * len(centred):
        return 0.0
    shortest, longest = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ)
    # A longer lag compares fewer samples: scale the correlation up to the full length of the frame.
    scaled = correlation[shortest : longest + 1] * len(centred) / (len(centred) - np.arange(shortest, longest + 1))
    scaled = scaled / correlation[0]
    best = int(np.argmax(scaled))
    # Multiples of the true lag correlate as well, but are octaves too low: take the first peak near the best one.
    first = int(np.argmax(scaled > 0.9 * scaled[best]))
    while first + 1 < len(scaled) and scaled[first + 1] > scaled[first]:
        first += 1
    return rate / (shortest + first) if scaled[best] > MIN_CORRELATION else 0.0
