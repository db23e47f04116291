"""Benchmark of time and memory: each model works alone in a process of its own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Event

import numpy as np

from synapse_engines.audio.waveform import Samples, Waveform
from synapse_engines.benchmark.noise_reduction import remove_noise
from synapse_engines.benchmark.speech_samples import RATE, SENTENCES, VOICES, PiperSpeaker, Speaker
from synapse_engines.benchmark.transcription import Recognizer
from synapse_engines.enhancement.deepfilternet import find_model
from synapse_engines.models.memory import peak_bytes
from synapse_engines.speakers.diarizer import SpeakerCount
from synapse_engines.speakers.open_diarizer import OpenDiarizer

REPETITIONS = 4
"""Times that the sentences are said one after the other, about a minute in all."""
Job = Callable[[Path, Samples], float]
"""Work of one model on a recording; it returns the seconds of speech that it made or took."""


async def rows(speaker: Speaker, models: Path) -> list[tuple[str, str]]:
    """Return each model with its real-time factor (seconds of work per second of speech) and its peak memory."""
    sentences = [(await speaker.say(text, VOICES[0])).samples for text in SENTENCES]
    recording = np.concatenate(sentences * REPETITIONS)
    results = []
    for name, job in JOBS.items():
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            factor, peak = process.submit(_measure, job, models, recording).result()
        results.append((f"{name}: real-time factor, peak memory", f"{factor:.2f}, {peak / 2**20:.0f} MiB"))
    return results


def _measure(job: Job, models: Path, recording: Samples) -> tuple[float, int]:
    """Return the real-time factor, loading included, and the peak memory in bytes of this process."""
    start = time.perf_counter()
    seconds = job(models, recording)
    return (time.perf_counter() - start) / seconds, peak_bytes()


def _kokoro(models: Path, _: Samples) -> float:
    speaker = Speaker(models)
    return sum(asyncio.run(speaker.say(text, VOICES[0])).seconds for text in SENTENCES)


def _piper(models: Path, _: Samples) -> float:
    speaker = PiperSpeaker(models)
    return sum(asyncio.run(speaker.say(text)).seconds for text in SENTENCES)


def _whisper(models: Path, recording: Samples) -> float:
    Recognizer(models).transcribe(Waveform(recording, RATE))
    return len(recording) / RATE


def _diarize(models: Path, recording: Samples) -> float:
    OpenDiarizer(models).diarize(Waveform(recording, RATE), SpeakerCount(), Event())
    return len(recording) / RATE


def _denoise(models: Path, recording: Samples) -> float:
    # The sample rate of the network is three times as high; what it hears does not change its time.
    remove_noise(np.repeat(recording[: len(recording) // REPETITIONS], 3), find_model(models))
    return len(recording) / REPETITIONS / RATE


JOBS: Mapping[str, Job] = {
    "Kokoro": _kokoro,
    "Piper": _piper,
    "Whisper base": _whisper,
    "GE2E diarization": _diarize,
    "DeepFilterNet3": _denoise,
}
