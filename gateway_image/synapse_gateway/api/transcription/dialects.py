"""Two speech-to-text APIs of backends: the form fields of a request, and the reading of the response."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synapse_gateway.api.recording_form import FormFields
from synapse_gateway.api.transcription.transcript import Transcript, read_openai, read_whisper


@dataclass(frozen=True, kw_only=True)
class TranscriptionOptions:
    """Options for a backend that has another API than the client uses."""

    model: str | None = None
    language: str | None = None
    word_timestamps: bool = False


@dataclass(frozen=True, kw_only=True)
class TranscriptionDialect:
    """One API: options to form fields, and response to transcript."""

    fields: Callable[[TranscriptionOptions], FormFields]
    read: Callable[[bytes], Transcript]


def whisper(options: TranscriptionOptions) -> FormFields:
    """Yield the fields of whisper-stt; `word_timestamps` is always sent, since its default is true."""
    if options.language:
        yield "language", options.language
    yield "word_timestamps", "true" if options.word_timestamps else "false"


def openai(options: TranscriptionOptions) -> FormFields:
    """Yield the fields of OpenAI's API; `verbose_json` is the only format with times."""
    for name in ("model", "language"):
        value = getattr(options, name)
        if value is not None:
            yield name, value
    yield "response_format", "verbose_json"
    for granularity in ("segment", "word") if options.word_timestamps else ("segment",):
        yield "timestamp_granularities[]", granularity


WHISPER = TranscriptionDialect(fields=whisper, read=read_whisper)
OPENAI = TranscriptionDialect(fields=openai, read=read_openai)
DIALECTS: Mapping[str, TranscriptionDialect] = {
    "/transcribe": WHISPER,
    "/stream": WHISPER,
    "/detect-language": WHISPER,
    "/v1/audio/transcriptions": OPENAI,
    "/v1/audio/translations": OPENAI,
}
"""Dialect of a backend, by its path of the operation."""
