"""A voice as a few numbers: cepstra and pitch, seen along the directions in which voices differ most.

The directions are those of linear discriminant analysis (Fisher, 1936) over voices of espeak-ng; `training` finds them.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.pitch import pitches
from synapse_engines.audio.sound import Sound
from synapse_engines.speakers.features import cepstra

Vector = NDArray[np.float64]
FILE = "directions.json"
QUIET_PERCENT = 40
"""The quieter frames of a recording, which are left out."""
MIDDLE_HZ = 150.0


class Directions(msgspec.Struct, frozen=True):
    """What voices have in common, and a row for each direction in which they differ."""

    mean: list[float]
    rows: list[list[float]]


@dataclass(frozen=True)
class Voiceprint:
    """Two of one voice point the same way."""

    vector: Vector

    def likeness(self, other: "Voiceprint") -> float:
        """The cosine of the angle between them, from -1 to 1."""
        lengths = float(np.linalg.norm(self.vector) * np.linalg.norm(other.vector))
        return float(self.vector @ other.vector) / lengths if lengths else 0.0


def voiceprint(sound: Sound) -> Voiceprint | None:
    """The voice in *sound*; None where there is none."""
    found = statistics(sound)
    if found is None:
        return None
    mean, rows = _directions()
    return Voiceprint(rows @ (found - mean))


def statistics(sound: Sound) -> Vector | None:
    """The mean of the cepstra where it is loud, without the loudness itself, and the pitch in octaves."""
    rows, hz = cepstra(sound), pitches(sound)
    if not len(rows) or not len(hz):
        return None
    loud = rows[rows[:, 0] > np.percentile(rows[:, 0], QUIET_PERCENT)]
    if not len(loud):
        return None
    return np.append(loud[:, 1:].mean(axis=0), np.median(np.log2(hz / MIDDLE_HZ)))


@cache
def _directions() -> tuple[Vector, Vector]:
    found = msgspec.json.decode(files(__package__).joinpath(FILE).read_bytes(), type=Directions)
    return np.array(found.mean), np.array(found.rows)
