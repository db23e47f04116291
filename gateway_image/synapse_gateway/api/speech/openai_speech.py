"""`POST /v1/audio/speech`: OpenAI's text to speech, routed by model."""

from typing import Annotated, Literal

import msgspec

from synapse_gateway.api.language.pass_through import renamed
from synapse_gateway.api.schema import Body
from synapse_gateway.api.speech.dialects import can_clone
from synapse_gateway.api.speech.request import Wish
from synapse_gateway.api.speech.synthesize import say
from synapse_gateway.api.voices.record import is_id
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

CLONED_FORMATS = ("wav", "opus", "mp3")


class Speech(Body, kw_only=True):
    """The fields of OpenAI's API. *voice*: the backend's name for one, or the id of a voice of the library."""

    input: Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
    voice: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4.0)] | None = None
    instructions: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    stream_format: Literal["sse", "audio"] | None = None


async def speech(call: Call) -> Response | Stream:
    """Raises NotFoundError for a model that nobody has, or a voice that the caller does not have."""
    data = await call.body()
    asked = parse(data, Speech)
    targets = call.gateway.registry.resolve(asked.model, "speech")
    if is_id(asked.voice) and any(can_clone(target.upstream) for target in targets):
        return await say(call, _wish(asked), targets)
    order = UpstreamCall(
        operation="speech", timeout_s=call.gateway.settings.timeouts["tts"], body=renamed(data, asked.model)
    )
    return await forward(call, order, targets)


def _wish(asked: Speech) -> Wish:
    if asked.response_format not in {None, *CLONED_FORMATS}:
        raise BadRequestError(
            f"a cloned voice comes as {', '.join(CLONED_FORMATS)}", code="unsupported_format", param="response_format"
        )
    return Wish(
        text=asked.input,
        language="",
        speed=asked.speed or 1.0,
        audio_format=asked.response_format,
        voice_id=asked.voice,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/audio/speech",
        handler=speech,
        doc=Doc(summary="Say a text, as in OpenAI's API", tag="speech", body=Speech, media="audio/*", also=(EVENTS,)),
        operations=("speech", "synthesize"),
    ),
)
