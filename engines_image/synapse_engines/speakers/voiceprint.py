"""Voiceprints: MFCC statistics and pitch, projected onto the axes along which voices differ most.

The projection is a linear discriminant analysis (Fisher, 1936) over voices of espeak-ng, made by `training`.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.pitch import frame_pitches
from synapse_engines.audio.waveform import Waveform
from synapse_engines.speakers.mfcc import mfcc

Vector = NDArray[np.float64]
FILE = "projection.json"
QUIET_PERCENTILE = 40
"""Loudness percentile up to which frames are left out."""
REFERENCE_HZ = 150.0


class Projection(msgspec.Struct, frozen=True):
    """Mean of all voices, and a row for each axis of the projection."""

    mean: list[float]
    rows: list[list[float]]


@dataclass(frozen=True)
class Voiceprint:
    """Vector of a voice; vectors of the same voice point in similar directions."""

    vector: Vector

    def similarity(self, other: "Voiceprint") -> float:
        """Return the cosine similarity, from -1 to 1."""
        lengths = float(np.linalg.norm(self.vector) * np.linalg.norm(other.vector))
        return float(self.vector @ other.vector) / lengths if lengths else 0.0


def voiceprint(waveform: Waveform) -> Voiceprint | None:
    """Return the voiceprint of *waveform*, or None if it has no voice."""
    values = voice_statistics(waveform)
    if values is None:
        return None
    mean, rows = _projection()
    return Voiceprint(rows @ (values - mean))


def voice_statistics(waveform: Waveform) -> Vector | None:
    """Return the mean MFCC of the loud frames without the loudness itself, followed by the pitch in octaves."""
    rows, hz = mfcc(waveform), frame_pitches(waveform)
    if not len(rows) or not len(hz):
        return None
    loud = rows[rows[:, 0] > np.percentile(rows[:, 0], QUIET_PERCENTILE)]
    if not len(loud):
        return None
    return np.append(loud[:, 1:].mean(axis=0), np.median(np.log2(hz / REFERENCE_HZ)))


@cache
def _projection() -> tuple[Vector, Vector]:
    projection = msgspec.json.decode(files(__package__).joinpath(FILE).read_bytes(), type=Projection)
    return np.array(projection.mean), np.array(projection.rows)
