"""Benchmark of noise reduction: signal-to-noise ratio before and after."""

import numpy as np

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Samples
from synapse_engines.benchmark.speech_samples import SENTENCES, VOICES
from synapse_engines.enhancement.rnnoise import RATE, denoise
from synapse_engines.synthesis.espeak import synthesize
from synapse_engines.web.work_queue import CancelEvent


async def rows() -> list[tuple[str, str]]:
    """Return descriptions and signal-to-noise ratios of a sentence with white noise."""
    clean = (await resample(await synthesize(SENTENCES[0], VOICES["m3"]), RATE)).samples
    results = []
    for before in (0.0, 10.0):
        after = signal_to_noise_db(clean, denoise(add_noise(clean, before), CancelEvent()))
        results.append((f"white noise, signal-to-noise ratio {before:g} dB: after noise reduction", f"{after:.1f} dB"))
    return results


def add_noise(clean: Samples, decibels: float) -> Samples:
    """Return *clean* with white noise at a signal-to-noise ratio of *decibels*; the noise is the same in each run."""
    noise = np.random.default_rng(7).standard_normal(len(clean)).astype(np.float32)
    noise *= np.float32(np.sqrt(np.mean(clean**2) / np.mean(noise**2)) * 10 ** (-decibels / 20))
    return clean + noise


def signal_to_noise_db(clean: Samples, processed: Samples) -> float:
    """Return the scale-invariant signal-to-noise ratio in decibels (Le Roux and others, 2019)."""
    signal = float(processed @ clean) / float(clean @ clean) * clean
    return float(10 * np.log10(np.sum(signal**2) / np.sum((processed - signal) ** 2)))
