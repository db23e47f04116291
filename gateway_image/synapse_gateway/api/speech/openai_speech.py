"""Text to speech with OpenAI's API, `POST /v1/audio/speech`, routed by model."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec

from synapse_gateway.api.language.pass_through import with_target_model
from synapse_gateway.api.schema import ModelRequest, with_fields
from synapse_gateway.api.speech.dialects import SpeechRequest, can_clone
from synapse_gateway.api.speech.synthesize import synthesize
from synapse_gateway.api.voices.layout import is_id
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

CLONED_FORMATS = ("wav", "opus", "mp3")
CHATTERBOX_VOICES: Mapping[str, str] = {
    "alloy": "Alice.wav",
    "ash": "Adrian.wav",
    "ballad": "Alexander.wav",
    "cedar": "Miles.wav",
    "coral": "Elena.wav",
    "echo": "Michael.wav",
    "fable": "Everett.wav",
    "marin": "Cora.wav",
    "nova": "Olivia.wav",
    "onyx": "Jeremiah.wav",
    "sage": "Abigail.wav",
    "shimmer": "Emily.wav",
    "verse": "Ryan.wav",
}
"""OpenAI's voice -> one of those that the Chatterbox TTS server bundles, which clients of OpenAI do not know."""


class OpenAISpeechRequest(ModelRequest, kw_only=True):
    """Fields of OpenAI's API. *voice*: the backend's name of a voice, or the id of a voice of the library."""

    input: Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
    voice: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4.0)] | None = None
    instructions: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    stream_format: Literal["sse", "audio"] | None = None


async def speech(call: Call) -> Response | Stream:
    """Synthesize a text. Raises NotFoundError for an unknown model, or a voice that the caller may not use."""
    data = await call.body()
    request = parse(data, OpenAISpeechRequest)
    targets = call.gateway.registry.resolve(request.model, "speech")
    if is_id(request.voice) and any(can_clone(target.upstream) for target in targets):
        return await synthesize(call, _speech_request(request), targets)
    upstream_call = UpstreamCall(
        operation="speech", timeout_s=call.gateway.settings.timeouts["tts"], body=_body(data, request)
    )
    return await forward(call, upstream_call, targets)


def _body(data: bytes, request: OpenAISpeechRequest) -> Callable[[Target], bytes]:
    """Return a function that makes the body for a target; Chatterbox has other names than OpenAI for its voices."""
    plain = with_target_model(data, request.model)
    name = CHATTERBOX_VOICES.get(request.voice)
    if name is None:
        return plain
    renamed = with_target_model(with_fields(data, voice=name), request.model)
    return lambda target: (renamed if can_clone(target.upstream) else plain)(target)


def _speech_request(request: OpenAISpeechRequest) -> SpeechRequest:
    if request.response_format not in {None, *CLONED_FORMATS}:
        raise BadRequestError(
            f"got response_format {request.response_format} with a cloned voice; accepted: {', '.join(CLONED_FORMATS)}",
            code="unsupported_format",
            param="response_format",
        )
    return SpeechRequest(
        text=request.input,
        language="",
        speed=request.speed or 1.0,
        audio_format=request.response_format,
        voice_id=request.voice,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/audio/speech",
        handler=speech,
        doc=Doc(
            summary="Synthesize a text with OpenAI's API",
            tag="speech",
            body=OpenAISpeechRequest,
            media="audio/*",
            also=(EVENTS,),
        ),
        operations=("speech", "synthesize"),
    ),
)
