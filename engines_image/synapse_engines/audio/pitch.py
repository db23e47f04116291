"""How high a voice is: the lag at which a piece of it is most like itself."""

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.sound import Samples, Sound

LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0
FRAME_S, STEP_S = 0.04, 0.02
VOICED = 0.5
"""How like itself a piece must be; consonants and noise are less."""


def pitches(sound: Sound) -> NDArray[np.float64]:
    """The pitch in Hz of each voiced piece of *sound*."""
    size, step = round(FRAME_S * sound.rate), round(STEP_S * sound.rate)
    starts = range(0, len(sound.samples) - size, step)
    found = (_pitch(sound.samples[start : start + size], sound.rate) for start in starts)
    return np.array([hz for hz in found if hz])


def pitch(sound: Sound) -> float | None:
    """The median pitch in Hz; None where nothing is voiced."""
    found = pitches(sound)
    return float(np.median(found)) if len(found) else None


def _pitch(frame: Samples, rate: int) -> float:
    """0 where the frame is not voiced."""
    centred = frame - frame.mean()
    spectrum = np.fft.rfft(centred, 2 * len(centred))
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: len(centred)]
    if likeness[0] < 1e-4 * len(centred):
        return 0.0
    shortest, longest = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ)
    # A longer lag leaves less of the frame to compare: what is missing is made up for.
    shares = likeness[shortest : longest + 1] * len(centred) / (len(centred) - np.arange(shortest, longest + 1))
    shares = shares / likeness[0]
    best = int(np.argmax(shares))
    # The first lag that is about as good: multiples of the true one are as good, and octaves too low.
    first = int(np.argmax(shares > 0.9 * shares[best]))
    while first + 1 < len(shares) and shares[first + 1] > shares[first]:
        first += 1
    return rate / (shortest + first) if shares[best] > VOICED else 0.0
