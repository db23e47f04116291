"""Transcript in the format of /stt/transcribe and whisper-stt, and its reading from the responses of backends.

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
    """About one sentence. *words*: only if they were requested."""

    id: int = 0
    text: str
    start: float
    end: float
    words: list[Word] | None = None


class Transcript(msgspec.Struct, kw_only=True):
    """Whole transcript. *language_probability* is None if the backend does not report it."""

    text: str
    language: str | None = None
    language_probability: float | None = None
    duration: float | None = None
    segments: list[Segment] = []


class VerboseTranscript(Transcript, kw_only=True):
    """OpenAI's `verbose_json`, which has words beside the segments and not inside them."""

    words: list[Word] | None = None


def read_whisper(data: bytes) -> Transcript:
    """Read a response of whisper-stt. Raises BadGatewayError."""
    return _decode(data, Transcript)


def read_openai(data: bytes) -> Transcript:
    """Read a `verbose_json` response of OpenAI's API. Raises BadGatewayError."""
    response = _decode(data, VerboseTranscript)
    for number, segment in enumerate(response.segments, 1):
        segment.id = number
        if response.words is not None:
            segment.words = words_within(segment, response.words)
    return Transcript(
        text=response.text, language=response.language, duration=response.duration, segments=response.segments
    )


def words_within(segment: Segment, words: Iterable[Word]) -> list[Word]:
    """Return those of *words* that begin in *segment*."""
    return [word for word in words if segment.start <= word.start < segment.end]


def _decode(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadGatewayError("the transcript of the backend cannot be read", code="backend_bad_response") from error
