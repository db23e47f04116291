"""Protocol of the speech recognition models, and what a client may ask of one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.transcription.transcript import DetectedLanguage, Segment

SAMPLE_RATE = 16_000
"""Rate of the recordings that the recognizers take, in Hz."""
Task = Literal["transcribe", "translate"]
TRANSCRIBE: tuple[Task, ...] = ("transcribe",)
BOTH: tuple[Task, ...] = ("transcribe", "translate")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of a request. *language*: ISO 639-1 code, None: the model finds it.

    *temperature* 0: greedy, with higher ones where that fails. *prompt* and *hotwords* are hints, which a model may
    ignore. *with_words*: times of words, where the model has them; *needs_words*: refused by a model without them.
    *is_stream*: each segment is wanted soon.
    """

    language: str | None = None
    task: Task = "transcribe"
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float = 0.0
    with_words: bool = False
    needs_words: bool = False
    vad_filter: bool = True
    is_stream: bool = False


class Decoding(NamedTuple):
    """Language of a piece of a recording, and its segments, which are decoded as they are taken."""

    language: DetectedLanguage
    segments: Iterable[Segment]


class Recognizer(Protocol):
    """Speech recognition model."""

    @property
    def languages(self) -> Sequence[str]:
        """ISO 639-1 codes; empty where nobody knows, and any is accepted."""
        ...

    @property
    def tasks(self) -> Collection[Task]: ...

    @property
    def has_word_times(self) -> bool: ...

    @property
    def detects_languages(self) -> bool: ...

    @property
    def longest_s(self) -> float:
        """Seconds of speech, pauses included, that are best decoded together; 0: each stretch by itself."""
        ...

    @property
    def tokens_per_s(self) -> float:
        """Tokens of audio in a second: the steps of the encoder."""
        ...

    def decode(self, waveform: Waveform, request: Request) -> Decoding: ...

    def detect_languages(self, waveform: Waveform) -> list[DetectedLanguage]:
        """Return languages, the most probable first."""
        ...


def check(recognizer: Recognizer, name: str, request: Request) -> None:
    """Refuse what the model *name* cannot do. Raises BadInputError and InvalidError."""
    if request.language and recognizer.languages and request.language not in recognizer.languages:
        accepted = ", ".join(recognizer.languages)
        raise InvalidError(f"got language {request.language[:16]!r}; accepted by {name}: {accepted}", "language")
    if request.task not in recognizer.tasks:
        raise BadInputError(f"the model {name} does not translate; use a multilingual Whisper model, such as base")
    if request.needs_words and not recognizer.has_word_times:
        raise BadInputError(f"the model {name} tells no times of words; accepted: timestamps of segments")
