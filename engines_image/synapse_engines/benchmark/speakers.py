"""Benchmark of speaker verification and diarization."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from threading import Event
from typing import NamedTuple

import numpy as np

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.speech_samples import RATE, SENTENCES, VOICES, Speaker
from synapse_engines.speakers.diarizer import Diarization, Diarizer, SpeakerCount, Vector
from synapse_engines.speakers.open_diarizer import OpenDiarizer

PAUSE_S = 0.5
Recordings = Mapping[tuple[str, int], Waveform]
"""(Voice, number of the sentence) -> recording."""


class Rates(NamedTuple):
    """Similarities of pairs of the same voice, and of different voices, always with different words."""

    same: Vector
    different: Vector

    def rejected(self, threshold: float) -> float:
        return float(np.mean(self.same < threshold))

    def accepted(self, threshold: float) -> float:
        return float(np.mean(self.different >= threshold))

    def equal_error(self) -> tuple[float, float]:
        """Return the threshold with equally many false rejections and false acceptances, and their rate."""
        thresholds = np.linspace(0.4, 1, 601)
        gaps = [abs(self.rejected(each) - self.accepted(each)) for each in thresholds]
        threshold = float(thresholds[np.argmin(gaps)])
        return threshold, (self.rejected(threshold) + self.accepted(threshold)) / 2


class Dialogue(NamedTuple):
    """Recording in which voices alternate, and the start, end and speaker of each sentence."""

    waveform: Waveform
    truth: list[tuple[float, float, int]]


async def rows(speaker: Speaker, models: Path) -> list[tuple[str, str]]:
    """Return descriptions and error rates."""
    diarizer = OpenDiarizer(models)
    recordings = await record(speaker)
    rates = similarities({key: diarizer.embed(waveform, Event()) for key, waveform in recordings.items()})
    threshold, error = rates.equal_error()
    return [
        ("verification: equal error rate", f"{error:.1%} at a similarity of {threshold:.2f}"),
        (
            f"verification, same voice: rejected, of {len(rates.same)} pairs",
            f"{rates.rejected(diarizer.threshold):.1%}",
        ),
        (
            f"verification, different voices: accepted, of {len(rates.different)} pairs",
            f"{rates.accepted(diarizer.threshold):.1%}",
        ),
        *_diarization_rows(diarizer, recordings),
    ]


async def record(speaker: Speaker) -> Recordings:
    """Return each sentence in each voice."""
    return {
        (voice, number): await speaker.say(text, voice) for voice in VOICES for number, text in enumerate(SENTENCES)
    }


def similarities(voices: Mapping[tuple[str, int], Vector]) -> Rates:
    """Return the similarities of all pairs with different words."""
    same: list[float] = []
    different: list[float] = []
    for first, second in combinations(voices, 2):
        if first[1] != second[1]:
            (same if first[0] == second[0] else different).append(float(voices[first] @ voices[second]))
    return Rates(np.array(same, np.float32), np.array(different, np.float32))


def _diarization_rows(diarizer: Diarizer, recordings: Recordings) -> Iterable[tuple[str, str]]:
    pairs = list(combinations(VOICES, 2))
    for name, count in {"count given": SpeakerCount(2, 2), "count not given": SpeakerCount()}.items():
        errors, counts = [], []
        for pair in pairs:
            talk = dialogue(recordings, pair)
            result = diarizer.diarize(talk.waveform, count, Event())
            errors.append(speaker_error(result, talk.truth))
            counts.append(len(result.voices) == 2)
        description = f"diarization, two speakers, {name}, {len(pairs)} dialogues"
        yield f"{description}: speaker error", f"{np.mean(errors):.1%}"
        yield f"{description}: two counted", f"{np.mean(counts):.0%}"


def dialogue(recordings: Recordings, voices: tuple[str, ...], pause_s: float = PAUSE_S) -> Dialogue:
    """Return all sentences in alternating voices."""
    parts, truth, now = [], [], 0.0
    for number in range(len(SENTENCES)):
        waveform = recordings[voices[number % len(voices)], number]
        truth.append((now, now + waveform.seconds, number % len(voices)))
        parts += [waveform.samples, np.zeros(round(pause_s * RATE), np.float32)]
        now += waveform.seconds + pause_s
    return Dialogue(Waveform(np.concatenate(parts), RATE), truth)


def speaker_error(result: Diarization, truth: Iterable[tuple[float, float, int]]) -> float:
    """Return the share of the time found as speech that has the wrong speaker, for the best assignment of numbers."""
    spoken = list(truth)
    overlap = np.zeros((max(speaker for *_, speaker in spoken) + 1, max(len(result.voices), 1)))
    for turn in result.turns:
        for start, end, speaker in spoken:
            overlap[speaker, turn.speaker] += max(min(end, turn.span.end) - max(start, turn.span.start), 0)
    total = overlap.sum()
    return 1 - _best_assignment(overlap) / total if total else 1.0


def _best_assignment(overlap: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Return the largest sum with at most one value of each row and each column, for a handful of rows."""
    if not len(overlap):
        return 0.0
    sums = [
        float(overlap[0, column]) + _best_assignment(np.delete(overlap[1:], column, axis=1))
        for column in range(overlap.shape[1])
    ]
    return max([_best_assignment(overlap[1:]), *sums])
