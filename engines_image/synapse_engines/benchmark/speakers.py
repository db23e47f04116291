"""Benchmark of speaker verification and diarization."""

from itertools import combinations

import numpy as np

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.speech_samples import RATE, SENTENCES, VOICES, speak
from synapse_engines.speakers.diarization import diarize
from synapse_engines.speakers.pyannote import THRESHOLD
from synapse_engines.speakers.voiceprint import voiceprint
from synapse_engines.web.work_queue import CancelEvent

PAUSE_S = 0.5
Recordings = dict[tuple[str, int], Waveform]
"""(Voice, number of the sentence) -> recording."""


async def rows() -> list[tuple[str, str]]:
    """Return descriptions and error rates."""
    recordings = {
        (name, number): await speak(text, voice)
        for name, voice in VOICES.items()
        for number, text in enumerate(SENTENCES)
    }
    same, different = _similarities(recordings)
    missed, confused = np.mean(np.array(same) < THRESHOLD), np.mean(np.array(different) >= THRESHOLD)
    return [
        (f"verification, same voice, different words: rejected, of {len(same)} pairs", f"{missed:.1%}"),
        (f"verification, different voices and words: accepted, of {len(different)} pairs", f"{confused:.1%}"),
        *_diarization_rows(recordings),
    ]


def _similarities(recordings: Recordings) -> tuple[list[float], list[float]]:
    """Return the similarities of all pairs of the same voice, and of all pairs of different voices."""
    prints = {key: each for key, waveform in recordings.items() if (each := voiceprint(waveform))}
    same: list[float] = []
    different: list[float] = []
    for first, second in combinations(prints, 2):
        if first[1] != second[1]:
            (same if first[0] == second[0] else different).append(prints[first].similarity(prints[second]))
    return same, different


def _diarization_rows(recordings: Recordings) -> list[tuple[str, str]]:
    """Return the speaker error of dialogues between two voices, and how often two speakers are counted."""
    pairs = list(combinations(VOICES, 2))
    errors = [speaker_error(recordings, pair, 2) for pair in pairs]
    is_two = [_count_speakers(dialogue(recordings, pair)[0]) == 2 for pair in pairs]
    return [
        (f"diarization, two speakers, count given: speaker error, of {len(pairs)} dialogues", f"{np.mean(errors):.1%}"),
        ("diarization, two speakers, count not given: two counted", f"{np.mean(is_two):.0%}"),
    ]


def _count_speakers(waveform: Waveform) -> int:
    return len({turn.speaker for turn in diarize(waveform, CancelEvent())})


def dialogue(recordings: Recordings, pair: tuple[str, str]) -> tuple[Waveform, list[tuple[float, float, int]]]:
    """Return all sentences in alternating voices, and the start, end and speaker of each."""
    parts, truth, now = [], [], 0.0
    for number in range(len(SENTENCES)):
        waveform = recordings[pair[number % 2], number]
        truth.append((now, now + waveform.seconds, number % 2))
        parts += [waveform.samples, np.zeros(round(PAUSE_S * RATE), np.float32)]
        now += waveform.seconds + PAUSE_S
    return Waveform(np.concatenate(parts), RATE), truth


def speaker_error(recordings: Recordings, pair: tuple[str, str], speakers: int) -> float:
    """Return the share of speech time with the wrong speaker, for the better assignment of speaker numbers."""
    waveform, truth = dialogue(recordings, pair)
    overlap = np.zeros((2, max(speakers, 2)))
    for turn in diarize(waveform, CancelEvent(), speakers, speakers):
        for start, end, speaker in truth:
            overlap[speaker, turn.speaker] += max(min(end, turn.span.end) - max(start, turn.span.start), 0)
    correct = max(overlap[0, 0] + overlap[1, 1], overlap[0, 1] + overlap[1, 0])
    return float(1 - correct / overlap.sum()) if overlap.sum() else 1.0
