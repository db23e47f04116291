"""How often voices are mistaken for each other."""

from itertools import combinations

import numpy as np

from synapse_engines.audio.sound import Sound
from synapse_engines.measuring.material import RATE, SENTENCES, VOICES, said
from synapse_engines.speakers.diarization import diarize
from synapse_engines.speakers.pyannote import SAME
from synapse_engines.speakers.voiceprint import voiceprint
from synapse_engines.web.turns import Stop

PAUSE_S = 0.5
Takes = dict[tuple[str, int], Sound]


async def rows() -> list[tuple[str, str]]:
    """What was measured, and how it came out."""
    takes = {
        (name, number): await said(text, voice)
        for name, voice in VOICES.items()
        for number, text in enumerate(SENTENCES)
    }
    same, other = _pairs(takes)
    return [
        (f"one voice, other words: taken for two, of {len(same)} pairs", f"{np.mean(np.array(same) < SAME):.1%}"),
        (f"two voices, other words: taken for one, of {len(other)} pairs", f"{np.mean(np.array(other) >= SAME):.1%}"),
        *_dialogues(takes),
    ]


def _pairs(takes: Takes) -> tuple[list[float], list[float]]:
    """How alike pairs of one voice are, and pairs of two."""
    prints = {key: found for key, sound in takes.items() if (found := voiceprint(sound))}
    same: list[float] = []
    other: list[float] = []
    for first, second in combinations(prints, 2):
        if first[1] != second[1]:
            (same if first[0] == second[0] else other).append(prints[first].likeness(prints[second]))
    return same, other


def _dialogues(takes: Takes) -> list[tuple[str, str]]:
    """Two voices in turn: how much of the speech goes to the wrong one, and how often two are counted."""
    pairs = list(combinations(VOICES, 2))
    wrong = [wrong_share(takes, pair, 2) for pair in pairs]
    counted = [len({turn.speaker for turn in diarize(dialogue(takes, pair)[0], Stop())}) == 2 for pair in pairs]
    return [
        (
            f"two voices in turn, told that there are two: wrong speaker, of {len(pairs)} dialogues",
            f"{np.mean(wrong):.1%}",
        ),
        ("two voices in turn, told nothing: two are counted", f"{np.mean(counted):.0%}"),
    ]


def dialogue(takes: Takes, pair: tuple[str, str]) -> tuple[Sound, list[tuple[float, float, int]]]:
    """All sentences, the voices in turn; and when each of them speaks."""
    parts, truth, now = [], [], 0.0
    for number in range(len(SENTENCES)):
        sound = takes[pair[number % 2], number]
        truth.append((now, now + sound.seconds, number % 2))
        parts += [sound.samples, np.zeros(round(PAUSE_S * RATE), np.float32)]
        now += sound.seconds + PAUSE_S
    return Sound(np.concatenate(parts), RATE), truth


def wrong_share(takes: Takes, pair: tuple[str, str], speakers: int) -> float:
    """The share of the time of speech that is given to the other one, whichever way they are numbered."""
    sound, truth = dialogue(takes, pair)
    shared = np.zeros((2, max(speakers, 2)))
    for turn in diarize(sound, Stop(), speakers, speakers):
        for start, end, who in truth:
            shared[who, turn.speaker] += max(min(end, turn.span.end) - max(start, turn.span.start), 0)
    right = max(shared[0, 0] + shared[1, 1], shared[0, 1] + shared[1, 0])
    return float(1 - right / shared.sum()) if shared.sum() else 1.0
