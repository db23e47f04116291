"""Names of speakers whose voices are known."""

from collections.abc import Mapping

import numpy as np

from synapse_engines.speakers.diarizer import Vector
from synapse_engines.speakers.voice_encoder import unit


def name_speakers(voices: Vector, references: Mapping[str, Vector], threshold: float, minimum: int = 1) -> list[str]:
    """Return the name of each of *voices*, or SPEAKER_00, SPEAKER_01, ... where no known voice is similar enough.

    Several voices may be the same known speaker, but at least *minimum* different names remain.
    """
    names: dict[int, str] = {}
    similarities = [
        (float(voice @ other), index, name)
        for index, voice in enumerate(unit(voices))
        for name, other in references.items()
    ]
    for similarity, index, name in sorted(similarities, reverse=True):
        is_enough = len(voices) - _repeated({**names, index: name}) >= minimum
        if similarity >= threshold and index not in names and (name not in names.values() or is_enough):
            names[index] = name
    others = (f"SPEAKER_{number:02d}" for number in range(len(voices)))
    return [names.get(index) or next(others) for index in range(len(voices))]


def _repeated(names: Mapping[int, str]) -> int:
    return len(names) - len(set(names.values()))


def average(voices: list[Vector]) -> Vector:
    """Return the voice of several recordings of one speaker."""
    return unit(np.mean(voices, axis=0))
