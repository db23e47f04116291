"""Who speaks when: speech is cut into windows, and windows that sound alike are one speaker's."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synapse_engines.audio.activity import Span, spoken
from synapse_engines.audio.sound import Sound
from synapse_engines.speakers.clustering import clusters
from synapse_engines.speakers.voiceprint import Voiceprint, voiceprint
from synapse_engines.web.turns import Stop

PAUSE_S = 0.3
"""Quiet that ends a turn to speak."""
WINDOW_S = 2.0
LEAST_S = 0.5
"""A shorter piece of speech tells too little of the voice: it goes to whoever spoke next to it."""
MOST_WINDOWS = 1000
"""In a long recording windows grow."""
ALIKE = 0.75
"""Measured: windows of one voice are more alike, those of two voices mostly less."""


@dataclass(frozen=True)
class Turn:
    """*speaker*: from 0, in the order in which they come."""

    span: Span
    speaker: int


def diarize(sound: Sound, stop: Stop, least: int = 1, most: int | None = None) -> list[Turn]:
    """The turns in *sound*, among *least* to *most* speakers."""
    windows = list(_windows(sound))
    prints = [_print(sound, span, stop) for span in windows]
    heard = [place for place, found in enumerate(prints) if found is not None]
    if not heard:
        return []
    vectors = np.array([found.vector for found in prints if found is not None])
    groups = dict(zip(heard, clusters(vectors, ALIKE, least, most), strict=True))
    nearest = [min(heard, key=lambda place: abs(place - window)) for window in range(len(windows))]
    return _joined(Turn(span, groups[place]) for span, place in zip(windows, nearest, strict=True))


def _windows(sound: Sound) -> Iterator[Span]:
    """Speech, in pieces of about a window's length."""
    spans = spoken(sound, PAUSE_S)
    longest = max(WINDOW_S, sum(span.seconds for span in spans) / MOST_WINDOWS)
    for span in spans:
        count = max(round(span.seconds / longest), 1)
        edges = np.linspace(span.start, span.end, count + 1).tolist()
        for start, end in pairwise(edges):
            yield Span(start, end)


def _print(sound: Sound, span: Span, stop: Stop) -> Voiceprint | None:
    if stop.is_set() or span.seconds < LEAST_S:
        return None
    return voiceprint(sound.between(span.start, span.end))


def _joined(turns: Iterator[Turn]) -> list[Turn]:
    """Windows of one speaker that follow each other are one turn."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].speaker == turn.speaker and turn.span.start - found[-1].span.end <= 2 * PAUSE_S:
            found[-1] = Turn(Span(found[-1].span.start, turn.span.end), turn.speaker)
        else:
            found.append(turn)
    return found
