"""Benchmark of noise reduction: signal-to-noise ratio and word error rate, before and after."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Samples, Waveform
from synapse_engines.benchmark.speech_samples import RATE as SPEECH_RATE
from synapse_engines.benchmark.speech_samples import SENTENCES, Speaker
from synapse_engines.benchmark.transcription import Recognizer, word_error_rate
from synapse_engines.enhancement.deepfilternet import FRAME, RATE, UNLIMITED_DB, channels, find_model
from synapse_engines.enhancement.denoise import denoise
from synapse_engines.enhancement.pcm_stream import Frames

LEVELS_DB = (0.0, 5.0, 10.0)
TALKER = "af_heart"
CROWD = ("am_michael", "bf_emma", "am_onyx", "af_nova", "bm_george", "am_puck")
"""Voices of the babble, which speak at the same time."""


async def rows(speaker: Speaker, models: Path) -> list[tuple[str, str]]:
    """Return descriptions and results for one talker in white noise and in babble."""
    model, recognizer = find_model(models), Recognizer(models)
    clean = await talk(speaker)
    results = []
    for name, noise in {"white noise": white_noise(len(clean)), "babble": await babble(speaker, len(clean))}.items():
        for level in LEVELS_DB:
            noisy = add_noise(clean, noise, level)
            denoised = remove_noise(noisy, model)
            after = signal_to_noise_db(clean, denoised)
            results.append((f"noise reduction, {name}, signal-to-noise ratio {level:g} dB: after", f"{after:.1f} dB"))
            errors = [await spoken_word_errors(recognizer, samples) for samples in (noisy, denoised)]
            results.append(
                (
                    f"noise reduction, {name}, {level:g} dB: word error rate before, after",
                    ", ".join(f"{each:.0%}" for each in errors),
                )
            )
    return results


async def talk(speaker: Speaker) -> Samples:
    """Return all sentences of the talker, at RATE."""
    return np.concatenate([(await speaker.say(text, TALKER, RATE)).samples for text in SENTENCES])


async def spoken_word_errors(recognizer: Recognizer, samples: Samples) -> float:
    """Return the word error rate of a recording of all sentences."""
    waveform = await resample(Waveform(samples, RATE), SPEECH_RATE)
    return word_error_rate([(" ".join(SENTENCES), recognizer.transcribe(waveform))])


def white_noise(count: int) -> Samples:
    """Return noise, the same in each run."""
    return np.random.default_rng(7).standard_normal(count).astype(np.float32)


async def babble(speaker: Speaker, count: int) -> Samples:
    """Return *count* samples of voices that speak at the same time, each another sentence."""
    mixture = np.zeros(count, np.float32)
    for number, voice in enumerate(CROWD):
        samples = (await speaker.say(SENTENCES[number % len(SENTENCES)], voice, RATE)).samples
        mixture += np.resize(samples / np.sqrt(np.mean(samples**2)), count)
    return mixture


def add_noise(clean: Samples, noise: Samples, decibels: float) -> Samples:
    """Return *clean* with *noise* at a signal-to-noise ratio of *decibels*, at half the level to leave headroom."""
    scale = np.sqrt(np.mean(clean**2) / np.mean(noise**2)) * 10 ** (-decibels / 20)
    noisy: Samples = np.float32(0.5) * (clean + np.float32(scale) * noise)
    return noisy


def remove_noise(noisy: Samples, model: Path, limit_db: int = UNLIMITED_DB) -> Samples:
    """Return *noisy*, at RATE, as the engine denoises it."""
    with channels(model, 1, limit_db) as states:
        return np.concatenate(list(denoise(_blocks(noisy), states)))[:, 0]


def _blocks(samples: Samples) -> Iterator[Frames]:
    for start in range(0, len(samples), 100 * FRAME):
        yield samples[start : start + 100 * FRAME, None]


def signal_to_noise_db(clean: Samples, processed: Samples) -> float:
    """Return the scale-invariant signal-to-noise ratio in decibels (Le Roux and others, 2019)."""
    signal = float(processed @ clean) / float(clean @ clean) * clean
    return float(10 * np.log10(np.sum(signal**2) / np.sum((processed - signal) ** 2)))
