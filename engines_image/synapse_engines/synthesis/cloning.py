"""Cloning by the nearest voice: the voice or blend of Kokoro that is most similar to a reference recording.

It is not a copy of the speaker: it has a similar voice, as far as 28 voices and their blends have one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from synapse_engines.audio.waveform import Waveform
from synapse_engines.speakers.voice_encoder import Vector
from synapse_engines.synthesis.kokoro_voices import KokoroVoices
from synapse_engines.synthesis.voiceprints import Voiceprints

NEAREST = 5
"""Voices that are considered for blends."""
SHARES = ((3, 1), (1, 1), (1, 3))
"""Weights of the two voices of a blend."""
SPOKEN_BLENDS = 2
"""Blends that are spoken and compared; each takes as long as a sentence."""
MAX_CACHED = 200


class NearestVoice:
    """Search for similar voices, with a memory for the references that it saw."""

    def __init__(self, voices: KokoroVoices, prints: Voiceprints) -> None:
        self._voices, self._prints = voices, prints
        self._cache: dict[bytes, str] = {}

    async def find(self, reference: Waveform) -> str:
        """Return the most similar voice or blend for *reference*, at 16 kHz. Raises BadInputError without speech."""
        key = hashlib.sha256(reference.pcm()).digest()
        if key not in self._cache:
            while len(self._cache) >= MAX_CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = await self._search(await self._prints.of_recording(reference))
        return self._cache[key]

    async def _search(self, target: Vector) -> str:
        prints = await self._prints.all()
        best = max(prints, key=lambda name: similarity(prints[name], target))
        score = similarity(prints[best], target)
        for blend in promising_blends(prints, target):
            spoken = similarity(await self._prints.of_style(self._voices.style(blend)), target)
            if spoken > score:
                best, score = blend, spoken
        return best


def promising_blends(prints: Mapping[str, Vector], target: Vector) -> list[str]:
    """Return the blends whose voiceprint, estimated as the blend of the voiceprints, is most similar to *target*."""
    nearest = sorted(prints, key=lambda name: -similarity(prints[name], target))[:NEAREST]
    scores = {blend: similarity(estimate, target) for blend, estimate in _estimates(nearest, prints)}
    return sorted(scores, key=lambda blend: -scores[blend])[:SPOKEN_BLENDS]


def similarity(first: Vector, second: Vector) -> float:
    """Return the cosine of the angle between two vectors."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _estimates(names: list[str], prints: Mapping[str, Vector]) -> Iterator[tuple[str, Vector]]:
    for first, second in combinations(names, 2):
        for share, other in SHARES:
            yield f"{first}({share})+{second}({other})", share * prints[first] + other * prints[second]
