"""Speech to text with OpenAI's API, routed by the model in the form."""

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.recording_form import FormFields, form_schema, recording_form
from synapse_gateway.api.transcription.dialects import OPENAI, TranscriptionOptions
from synapse_gateway.api.transcription.formats import EVENTS, FORMATS, delta_events
from synapse_gateway.api.transcription.request import TranscriptionRequest, default_targets, forward_transcription
from synapse_gateway.errors import ValidationError
from synapse_gateway.routing.registry import Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation

Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]

ALSO = ("text/plain", "text/vtt", EVENTS)


class TranslationForm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Form of `POST /v1/audio/translations`, which transcribes into English."""

    model: str | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    response_format: Format | UnsetType = UNSET
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | UnsetType = UNSET


class TranscriptionForm(TranslationForm, kw_only=True):
    """Form of `POST /v1/audio/transcriptions`; *hotwords* and *vad_filter* are extensions of Speaches."""

    language: Annotated[str, msgspec.Meta(max_length=35)] | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    timestamp_granularities: list[Literal["word", "segment"]] = msgspec.field(
        name="timestamp_granularities[]", default_factory=list
    )
    include: list[Literal["logprobs"]] = msgspec.field(name="include[]", default_factory=list)
    chunking_strategy: Literal["auto"] | UnsetType = UNSET
    hotwords: str | UnsetType = UNSET
    vad_filter: bool | UnsetType = UNSET


async def transcribe(operation: Operation, kind: type[TranslationForm], call: Call) -> Response | Stream:
    """Transcribe a recording. Raises the errors of `recording_form` and `forward_transcription`."""
    async with recording_form(call) as (sent, file):
        form = sent.fields(kind)
        registry = call.gateway.registry
        targets = (
            registry.resolve(form.model, operation) if form.model else default_targets(registry, operation, OPENAI)
        )
        return await forward_transcription(call, _request(operation, form), file, targets)


def _request(operation: Operation, form: TranslationForm) -> TranscriptionRequest:
    encode = delta_events if _is_streamed(form) else FORMATS.get(form.response_format or "json", _refuse)
    return TranscriptionRequest(
        operation=operation, native=OPENAI, fields=partial(_fields, form), options=_options(form), encode=encode
    )


def _is_streamed(form: TranslationForm) -> bool:
    return isinstance(form, TranscriptionForm) and bool(form.stream)


def _refuse(_: Any) -> Any:  # noqa: ANN401 - it never returns
    raise ValidationError(
        "got response_format diarized_json; the backend of this model cannot separate speakers", param="response_format"
    )


def _options(form: TranslationForm) -> TranscriptionOptions:
    if not isinstance(form, TranscriptionForm):
        return TranscriptionOptions()
    return TranscriptionOptions(
        model=form.model or None, language=form.language or None, word_timestamps="word" in form.timestamp_granularities
    )


def _fields(form: TranslationForm, target: Target) -> FormFields:
    """Yield the fields of the form, with the target's own name of the model."""
    fields: dict[str, Any] = msgspec.to_builtins(form)
    if target.model:
        fields["model"] = target.model
    for name, value in fields.items():
        for item in value if isinstance(value, list) else (value,):
            yield name, str(item).lower() if isinstance(item, bool) else str(item)


def _endpoint(operation: Operation, path: str, kind: type[TranslationForm], summary: str) -> Endpoint:
    doc = Doc(summary=summary, tag="speech to text", form=form_schema(kind, "file"), required=("file",), also=ALSO)
    return Endpoint(
        method="POST", path=path, handler=partial(transcribe, operation, kind), operations=(operation,), doc=doc
    )


ENDPOINTS = (
    _endpoint("transcriptions", "/v1/audio/transcriptions", TranscriptionForm, "Transcribe a recording"),
    _endpoint("translations", "/v1/audio/translations", TranslationForm, "Transcribe a recording into English"),
)
