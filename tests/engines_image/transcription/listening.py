"""Transcript of a recording by Whisper, and the share of its words that are wrong."""

import re
from functools import cache
from pathlib import Path

from faster_whisper import WhisperModel

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform

RATE = 16_000


async def heard(waveform: Waveform, models: Path, language: str = "en") -> str:
    """Return the transcript of *waveform* by Whisper's model `base`."""
    sound = await resample(waveform, RATE)
    parts, _ = _whisper(models).transcribe(sound.samples, language=language, beam_size=1)
    return " ".join(part.text for part in parts)


def word_error_rate(spoken: str, heard: str) -> float:
    """Return the word errors of *heard* (missing, additional and wrong words) by the words of *spoken*."""
    expected, actual = _words(spoken), _words(heard)
    row = list(range(len(actual) + 1))
    for count, word in enumerate(expected, 1):
        before, row = row, [count]
        for index, other in enumerate(actual):
            row.append(min(before[index] + (word != other), before[index + 1] + 1, row[index] + 1))
    return row[-1] / len(expected)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("\u2019", ""))


@cache
def _whisper(models: Path) -> WhisperModel:
    return WhisperModel(str(models / "whisper/base"), device="cpu", compute_type="int8", cpu_threads=2)
