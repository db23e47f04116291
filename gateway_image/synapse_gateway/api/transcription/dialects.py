"""The two APIs that backends have for speech to text: what each is sent, and how its answer is read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from synapse_gateway.api.transcription.transcript import Transcript, of_openai, of_whisper

Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of a backend that has another API than the client uses."""

    model: str | None = None
    language: str | None = None
    word_timestamps: bool = False


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One API: the fields of its form for what is wanted, and its answer as a transcript."""

    fields: Callable[[Wanted], Fields]
    read: Callable[[bytes], Transcript]


def whisper(wanted: Wanted) -> Fields:
    """`word_timestamps` is always said: the backend would tell words unless it is told not to."""
    if wanted.language:
        yield "language", wanted.language
    yield "word_timestamps", "true" if wanted.word_timestamps else "false"


def openai(wanted: Wanted) -> Fields:
    """`verbose_json`, the only format with times."""
    for name in ("model", "language"):
        value = getattr(wanted, name)
        if value is not None:
            yield name, value
    yield "response_format", "verbose_json"
    for each in ("segment", "word") if wanted.word_timestamps else ("segment",):
        yield "timestamp_granularities[]", each


WHISPER = Dialect(fields=whisper, read=of_whisper)
OPENAI = Dialect(fields=openai, read=of_openai)
DIALECTS: Mapping[str, Dialect] = {
    "/transcribe": WHISPER,
    "/stream": WHISPER,
    "/detect-language": WHISPER,
    "/v1/audio/transcriptions": OPENAI,
    "/v1/audio/translations": OPENAI,
}
"""By the path at which a backend has the operation."""
