"""Speech to text with the API of whisper-stt.

Recordings are passed on and never opened: the backend limits the length of the decoded audio, and a playlist sent as
a recording makes the gateway fetch nothing.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.recording_form import FormFields, form_schema, recording_form
from synapse_gateway.api.transcription.dialects import WHISPER, TranscriptionOptions
from synapse_gateway.api.transcription.formats import native_json, segment_events
from synapse_gateway.api.transcription.request import TranscriptionRequest, default_targets, forward_transcription
from synapse_gateway.api.transcription.transcript import Transcript
from synapse_gateway.routing.registry import Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation

LanguageTag = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{0,8}(-[A-Za-z0-9]{1,8}){0,3}(?![\s\S])", max_length=35)]


class ModelForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Form with a recording, and an optional model."""

    model: str | UnsetType = UNSET


class LanguageForm(ModelForm, kw_only=True):
    """Form with a language. *language*: an ISO code; detected if empty or left out."""

    language: LanguageTag | UnsetType = UNSET


class TranscribeForm(LanguageForm, kw_only=True):
    """Form of `POST /stt/transcribe`. *word_timestamps*: add the beginning and end of each word."""

    word_timestamps: bool = False


class LanguageDetection(msgspec.Struct, kw_only=True):
    """Detected languages, most likely first."""

    detected_language: str
    probability: float
    all_languages: list[dict[str, str]]


async def transcribe(call: Call) -> Response | Stream:
    """Transcribe a recording. Raises the errors of `recording_form` and `forward_transcription`."""
    async with recording_form(call) as (sent, file):
        form = sent.fields(TranscribeForm)
        options = TranscriptionOptions(language=form.language or None, word_timestamps=form.word_timestamps)
        request = TranscriptionRequest(
            operation="transcribe",
            native=WHISPER,
            fields=lambda _: WHISPER.fields(options),
            options=options,
            encode=native_json,
        )
        return await forward_transcription(call, request, file, _targets(call, "transcribe", form.model))


async def stream(call: Call) -> Response | Stream:
    """Transcribe a recording, as a stream of segments. Raises the same errors."""
    async with recording_form(call) as (sent, file):
        form = sent.fields(LanguageForm)
        options = TranscriptionOptions(language=form.language or None, word_timestamps=True)
        request = TranscriptionRequest(
            operation="transcribe-stream",
            native=WHISPER,
            fields=lambda _: _language(form.language),
            options=options,
            encode=segment_events,
        )
        return await forward_transcription(call, request, file, _targets(call, "transcribe-stream", form.model))


async def detect_language(call: Call) -> Response | Stream:
    """Detect the language of a recording. Raises the same errors."""
    async with recording_form(call) as (sent, file):
        form = sent.fields(ModelForm)
        request = TranscriptionRequest(
            operation="detect-language",
            native=WHISPER,
            fields=lambda _: (),
            options=TranscriptionOptions(),
            encode=native_json,
        )
        return await forward_transcription(call, request, file, _targets(call, "detect-language", form.model))


def _language(code: str | UnsetType) -> FormFields:
    return [("language", code)] if code else []


def _targets(call: Call, operation: Operation, model: str | UnsetType) -> tuple[Target, ...]:
    registry = call.gateway.registry
    return registry.resolve(model, operation) if model else default_targets(registry, operation, WHISPER)


def _doc(summary: str, form: type[ModelForm], answer: Any = None, media: str = "application/json") -> Doc:  # noqa: ANN401 - a type
    fields = form_schema(form, "file")
    return Doc(summary=summary, tag="speech to text", form=fields, required=("file",), answer=answer, media=media)


def _endpoint(path: str, handler: Handler, operation: Operation, doc: Doc) -> Endpoint:
    return Endpoint(method="POST", path=path, handler=handler, operations=(operation,), doc=doc)


ENDPOINTS = (
    _endpoint("/stt/transcribe", transcribe, "transcribe", _doc("Transcribe a recording", TranscribeForm, Transcript)),
    _endpoint(
        "/stt/detect-language",
        detect_language,
        "detect-language",
        _doc("Detect the language of a recording", ModelForm, LanguageDetection),
    ),
    _endpoint(
        "/stt/stream",
        stream,
        "transcribe-stream",
        _doc("Transcribe a recording segment by segment", LanguageForm, media="text/event-stream"),
    ),
)
