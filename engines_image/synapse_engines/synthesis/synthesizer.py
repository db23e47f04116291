"""Interface of the models behind the API of Chatterbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from synapse_engines.audio.waveform import Waveform
from synapse_engines.synthesis.speech_queue import Speaker


@dataclass(frozen=True)
class Reference:
    """Recording of the voice to clone: its file, and its sound at 16 kHz."""

    path: Path
    waveform: Waveform


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """Options of a text; None is the default of the model."""

    speed: float = 1.0
    language: str = "en"
    exaggeration: float | None = None
    cfg_weight: float | None = None
    temperature: float | None = None
    seed: int = 0


class Synthesizer(Protocol):
    """Model with predefined and cloned voices."""

    max_characters: int
    """Length of the longest segment that the model accepts."""

    def names(self) -> Sequence[str]:
        """Return the file names of the predefined voices."""

    async def speaker(self, voice: str | Reference, options: SpeechOptions) -> Speaker:
        """Return how a predefined or cloned voice speaks. Raises BadInputError for options it does not have."""

    def info(self) -> dict[str, Any]:
        """Return the type, the device, the sample rate, the way of cloning and whether the model is loaded."""

    def unload(self) -> bool:
        """Release the model; return False where it is in use or not loaded."""

    def close(self) -> None:
        """Release what keeps the process from ending."""
