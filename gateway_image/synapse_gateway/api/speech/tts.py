"""Text to speech with the gateway's own API: complete or streamed, also in a voice of the library."""

from functools import partial
from typing import Annotated

import msgspec

from synapse_gateway.api.speech import languages
from synapse_gateway.api.speech.dialects import SpeechRequest
from synapse_gateway.api.speech.synthesize import Targets, default_targets, synthesize
from synapse_gateway.errors import ValidationError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

WAV = "audio/wav"
WEIGHT_TOLERANCE = 0.01 + 1e-9
"""Accepted difference of the sum of the weights from 1."""


class TextRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Text to synthesize."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
    language: str = "en"
    speed: Annotated[float, msgspec.Meta(ge=0.5, le=2.0)] = 1.0


class SynthesizeRequest(TextRequest, kw_only=True):
    """Body of `POST /tts/synthesize` and `/tts/stream`."""

    voice_id: str | None = None
    split_sentences: bool = True


class WeightedVoice(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Voice and its weight."""

    voice_id: str
    weight: Annotated[float, msgspec.Meta(gt=0, le=1)]


class InterpolateRequest(TextRequest, kw_only=True):
    """Body of `POST /tts/interpolate`."""

    voices: Annotated[list[WeightedVoice], msgspec.Meta(min_length=2, max_length=5)]


class Language(msgspec.Struct, kw_only=True):
    """Language of text to speech."""

    code: str
    name: str


async def synthesize_text(call: Call, *, is_streamed: bool) -> Response | Stream:
    """Synthesize a text. Raises NotFoundError for a voice that the caller may not use."""
    body = await call.json(SynthesizeRequest)
    is_file = body.voice_id is not None or not is_streamed
    request = SpeechRequest(
        text=body.text,
        language=body.language,
        speed=body.speed,
        is_split=body.split_sentences,
        is_streamed=is_streamed,
        voice_id=body.voice_id,
        answer_headers=_attachment("synapse_tts.wav") if is_file else {},
    )
    return await synthesize(call, request, _targets(call, body.language))


async def interpolate(call: Call) -> Response | Stream:
    """Synthesize a text in the voice with the largest weight; voices are not blended, and a header says so."""
    body = await call.json(InterpolateRequest)
    if abs(sum(voice.weight for voice in body.voices) - 1) > WEIGHT_TOLERANCE:
        raise ValidationError("the weights must add up to 1", param="voices")
    targets = _targets(call, body.language)
    for voice in body.voices:
        await call.gateway.voices.find(voice.voice_id, call.identity)
    request = SpeechRequest(
        text=body.text,
        language=body.language,
        speed=body.speed,
        voice_id=max(body.voices, key=lambda voice: voice.weight).voice_id,
        answer_headers={**_attachment("synapse_interpolate.wav"), "x-synapse-interpolation": "dominant"},
    )
    return await synthesize(call, request, targets)


async def list_languages(call: Call) -> Response | Stream:
    """List the languages of the default backend; the usual ones if no backend offers speech."""
    registry = call.gateway.registry
    codes = _offered(default_targets(registry)) if registry.serving("speech") else languages.DEFAULT
    return call.answer([Language(code=code, name=languages.NAMES.get(code, code)) for code in codes])


def _targets(call: Call, language: str) -> Targets:
    """Return the targets that speak *language*. Raises ValidationError and UnavailableError."""
    targets = default_targets(call.gateway.registry)
    languages.check(language, _offered(targets))
    return targets


def _offered(targets: Targets) -> tuple[str, ...]:
    return targets[0].upstream.config.languages or languages.DEFAULT


def _attachment(filename: str) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename={filename}"}


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/tts/synthesize",
        handler=partial(synthesize_text, is_streamed=False),
        doc=Doc(summary="Synthesize a text", tag="speech", body=SynthesizeRequest, media=WAV),
        operations=("speech", "synthesize"),
    ),
    Endpoint(
        method="POST",
        path="/tts/stream",
        handler=partial(synthesize_text, is_streamed=True),
        doc=Doc(summary="Synthesize a text and stream the audio", tag="speech", body=SynthesizeRequest, media=WAV),
        operations=("speech", "synthesize"),
    ),
    Endpoint(
        method="POST",
        path="/tts/interpolate",
        handler=interpolate,
        doc=Doc(
            summary="Synthesize a text in the voice with the largest weight",
            tag="speech",
            body=InterpolateRequest,
            media=WAV,
        ),
        operations=("synthesize",),
    ),
    Endpoint(
        method="GET",
        path="/tts/languages",
        handler=list_languages,
        doc=Doc(summary="List the languages of text to speech", tag="speech", answer=list[Language]),
    ),
)
