"""Speech to text in whisper-stt's shape.

What is sent is passed on and never opened: how long a recording may become when it is decoded is the backend's to
bound, and a playlist that calls itself a recording is fetched by nobody here.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.form_schema import described
from synapse_gateway.api.transcription.dialects import WHISPER, Fields, Wanted
from synapse_gateway.api.transcription.formats import contract, segments
from synapse_gateway.api.transcription.request import Asking, ask, by_default, recording
from synapse_gateway.api.transcription.transcript import Transcript
from synapse_gateway.routing.registry import Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation

Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{0,8}(-[A-Za-z0-9]{1,8}){0,3}(?![\s\S])", max_length=35)]


class Nothing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A form that has a file alone, and may name a model."""

    model: str | UnsetType = UNSET


class Spoken(Nothing, kw_only=True):
    """*language* is an ISO code; empty, or left out, it is detected."""

    language: Language | UnsetType = UNSET


class Transcribe(Spoken, kw_only=True):
    """*word_timestamps*: also tell when each word begins and ends."""

    word_timestamps: bool = False


class Detected(msgspec.Struct, kw_only=True):
    """Languages, best first; *name* repeats the code."""

    detected_language: str
    probability: float
    all_languages: list[dict[str, str]]


async def transcribe(call: Call) -> Response | Stream:
    """All of these raise what `ask` and `recording` raise."""
    async with recording(call) as (sent, file):
        form = sent.fields(Transcribe)
        wanted = Wanted(language=form.language or None, word_timestamps=form.word_timestamps)
        asking = Asking(
            operation="transcribe",
            native=WHISPER,
            fields=lambda _: WHISPER.fields(wanted),
            wanted=wanted,
            write=contract,
        )
        return await ask(call, asking, file, _targets(call, "transcribe", form.model))


async def stream(call: Call) -> Response | Stream:
    async with recording(call) as (sent, file):
        form = sent.fields(Spoken)
        wanted = Wanted(language=form.language or None, word_timestamps=True)
        asking = Asking(
            operation="transcribe-stream",
            native=WHISPER,
            fields=lambda _: _language(form.language),
            wanted=wanted,
            write=segments,
        )
        return await ask(call, asking, file, _targets(call, "transcribe-stream", form.model))


async def detect_language(call: Call) -> Response | Stream:
    async with recording(call) as (sent, file):
        form = sent.fields(Nothing)
        asking = Asking(
            operation="detect-language", native=WHISPER, fields=lambda _: (), wanted=Wanted(), write=contract
        )
        return await ask(call, asking, file, _targets(call, "detect-language", form.model))


def _language(code: str | UnsetType) -> Fields:
    return [("language", code)] if code else []


def _targets(call: Call, operation: Operation, model: str | UnsetType) -> tuple[Target, ...]:
    registry = call.gateway.registry
    return registry.resolve(model, operation) if model else by_default(registry, operation, WHISPER)


def _doc(summary: str, form: type[Nothing], answer: Any = None, media: str = "application/json") -> Doc:  # noqa: ANN401 - a type
    fields = described(form, "file")
    return Doc(summary=summary, tag="speech to text", form=fields, required=("file",), answer=answer, media=media)


def _endpoint(path: str, handler: Handler, operation: Operation, doc: Doc) -> Endpoint:
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


ENDPOINTS = (
    _endpoint("/stt/transcribe", transcribe, "transcribe", _doc("Write down what is said", Transcribe, Transcript)),
    _endpoint(
        "/stt/detect-language", detect_language, "detect-language", _doc("Which language it is", Nothing, Detected)
    ),
    _endpoint(
        "/stt/stream",
        stream,
        "transcribe-stream",
        _doc("Write down what is said, segment by segment", Spoken, media="text/event-stream"),
    ),
)
