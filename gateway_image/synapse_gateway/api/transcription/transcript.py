"""What was said, in the shape of /stt/transcribe, which is whisper-stt's own; and how a backend's answer is read.

Times are in seconds from the beginning of the recording.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from synapse_gateway.errors import BadGatewayError

T = TypeVar("T")


class Word(msgspec.Struct, kw_only=True):
    word: str
    start: float
    end: float
    probability: float | None = None


class Segment(msgspec.Struct, kw_only=True):
    """A sentence or so. *words*: only where they were asked for."""

    id: int = 0
    text: str
    start: float
    end: float
    words: list[Word] | None = None


class Transcript(msgspec.Struct, kw_only=True):
    """The whole. *language_probability* is None where a backend does not tell it."""

    text: str
    language: str | None = None
    language_probability: float | None = None
    duration: float | None = None
    segments: list[Segment] = []


class Verbose(Transcript, kw_only=True):
    """OpenAI's `verbose_json`: words stand beside the segments, not in them."""

    words: list[Word] | None = None


def of_whisper(data: bytes) -> Transcript:
    """Raises BadGatewayError."""
    return _read(data, Transcript)


def of_openai(data: bytes) -> Transcript:
    """Raises BadGatewayError."""
    found = _read(data, Verbose)
    for number, segment in enumerate(found.segments, 1):
        segment.id = number
        if found.words is not None:
            segment.words = within(segment, found.words)
    return Transcript(text=found.text, language=found.language, duration=found.duration, segments=found.segments)


def within(segment: Segment, words: Iterable[Word]) -> list[Word]:
    """Those of *words* that begin in *segment*."""
    return [word for word in words if segment.start <= word.start < segment.end]


def _read(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadGatewayError("the backend's transcript cannot be read", code="backend_bad_response") from error
