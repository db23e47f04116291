"""Speech to text in OpenAI's shape: the model that the form names says which backend answers."""

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from synapse_gateway.api.form_schema import described
from synapse_gateway.api.transcription.dialects import OPENAI, Fields, Wanted
from synapse_gateway.api.transcription.formats import EVENTS, FORMATS, deltas
from synapse_gateway.api.transcription.request import Asking, ask, by_default, recording
from synapse_gateway.errors import ValidationError
from synapse_gateway.routing.registry import Target
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation

Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]

ALSO = ("text/plain", "text/vtt", EVENTS)


class Translate(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`POST /v1/audio/translations`: what is said, in English."""

    model: str | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    response_format: Format | UnsetType = UNSET
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | UnsetType = UNSET


class Transcribe(Translate, kw_only=True):
    """`POST /v1/audio/transcriptions`; *hotwords* and *vad_filter* are Speaches' own."""

    language: Annotated[str, msgspec.Meta(max_length=35)] | UnsetType = UNSET
    stream: bool | UnsetType = UNSET
    timestamp_granularities: list[Literal["word", "segment"]] = msgspec.field(
        name="timestamp_granularities[]", default_factory=list
    )
    include: list[Literal["logprobs"]] = msgspec.field(name="include[]", default_factory=list)
    chunking_strategy: Literal["auto"] | UnsetType = UNSET
    hotwords: str | UnsetType = UNSET
    vad_filter: bool | UnsetType = UNSET


async def listen(operation: Operation, kind: type[Translate], call: Call) -> Response | Stream:
    """Raises what `ask` and `recording` raise."""
    async with recording(call) as (sent, file):
        form = sent.fields(kind)
        registry = call.gateway.registry
        named = registry.resolve(form.model, operation) if form.model else by_default(registry, operation, OPENAI)
        return await ask(call, _asking(operation, form), file, named)


def _asking(operation: Operation, form: Translate) -> Asking:
    write = deltas if _is_streamed(form) else FORMATS.get(form.response_format or "json", _refuse)
    return Asking(operation=operation, native=OPENAI, fields=partial(_fields, form), wanted=_wanted(form), write=write)


def _is_streamed(form: Translate) -> bool:
    return isinstance(form, Transcribe) and bool(form.stream)


def _refuse(_: Any) -> Any:  # noqa: ANN401 - it never returns
    raise ValidationError("the backend of this model cannot tell speakers apart", param="response_format")


def _wanted(form: Translate) -> Wanted:
    if not isinstance(form, Transcribe):
        return Wanted()
    return Wanted(
        model=form.model or None, language=form.language or None, word_timestamps="word" in form.timestamp_granularities
    )


def _fields(form: Translate, target: Target) -> Fields:
    """What was sent, under the backend's own name for the model."""
    sent: dict[str, Any] = msgspec.to_builtins(form)
    if target.model:
        sent["model"] = target.model
    for name, value in sent.items():
        for each in value if isinstance(value, list) else (value,):
            yield name, str(each).lower() if isinstance(each, bool) else str(each)


def _endpoint(operation: Operation, path: str, kind: type[Translate], summary: str) -> Endpoint:
    doc = Doc(summary=summary, tag="speech to text", form=described(kind, "file"), required=("file",), also=ALSO)
    return Endpoint(
        method="POST", path=path, handler=partial(listen, operation, kind), operations=(operation,), doc=doc
    )


ENDPOINTS = (
    _endpoint("transcriptions", "/v1/audio/transcriptions", Transcribe, "Write down what is said"),
    _endpoint("translations", "/v1/audio/translations", Translate, "Write down in English what is said"),
)
