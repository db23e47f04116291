"""Interface of the two implementations: who speaks when, and the voice of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.voice_activity import SpeechSpan
from synapse_engines.audio.waveform import Waveform
from synapse_engines.web.work_queue import CancelEvent

RATE = 16_000
"""Sample rate of all models for speakers in Hz."""
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class SpeakerCount:
    """Limits of the number of speakers."""

    minimum: int = 1
    maximum: int | None = None


@dataclass(frozen=True)
class SpeakerTurn:
    """SpeechSpan of one speaker; speakers are numbered from 0 in order of appearance."""

    span: SpeechSpan
    speaker: int


@dataclass(frozen=True)
class Diarization:
    """Turns in order of time, and the voice of each speaker, of shape (speakers, dimensions)."""

    turns: Sequence[SpeakerTurn]
    voices: Vector


class Diarizer(Protocol):
    """Model of voices. *threshold*: cosine similarity from which two recordings are of the same voice."""

    name: str
    threshold: float

    @property
    def is_loaded(self) -> bool: ...

    def diarize(self, waveform: Waveform, count: SpeakerCount, cancel: CancelEvent) -> Diarization: ...

    def embed(self, waveform: Waveform, cancel: CancelEvent) -> Vector:
        """Return the voice of a recording of one speaker, of length 1. Raises BadInputError if it has no speech."""

    def close(self) -> None: ...
