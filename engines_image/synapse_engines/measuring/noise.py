"""How much of a noise goes away."""

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.resampling import resampled
from synapse_engines.enhancement.rnnoise import RATE, denoised
from synapse_engines.measuring.material import SENTENCES, VOICES
from synapse_engines.voice.espeak import say
from synapse_engines.web.turns import Stop

Wave = NDArray[np.float32]


async def rows() -> list[tuple[str, str]]:
    """White noise under a sentence: the signal-to-noise ratio before and after."""
    clean = (await resampled(await say(SENTENCES[0], VOICES["m3"]), RATE)).samples
    found = []
    for before in (0.0, 10.0):
        after = ratio(clean, denoised(noisy(clean, before), Stop()))
        found.append((f"white noise {before:g} dB below the voice: afterwards", f"{after:.1f} dB"))
    return found


def noisy(clean: Wave, decibels: float) -> Wave:
    """*clean* with noise that is so many decibels quieter; the same noise each time."""
    noise = np.random.default_rng(7).standard_normal(len(clean)).astype(np.float32)
    noise *= np.float32(np.sqrt(np.mean(clean**2) / np.mean(noise**2)) * 10 ** (-decibels / 20))
    return clean + noise


def ratio(clean: Wave, heard: Wave) -> float:
    """The scale-invariant signal-to-noise ratio in decibels (Le Roux and others, 2019)."""
    wanted = float(heard @ clean) / float(clean @ clean) * clean
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((heard - wanted) ** 2)))
