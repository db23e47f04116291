"""Text to speech with the gateway's own fields: whole, streamed, in a voice of the library."""

from functools import partial
from typing import Annotated

import msgspec

from synapse_gateway.api.speech import languages
from synapse_gateway.api.speech.request import Wish
from synapse_gateway.api.speech.synthesize import Targets, say, speakers
from synapse_gateway.errors import ValidationError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

WAV = "audio/wav"
SLACK = 0.01 + 1e-9
"""How far from 1 the weights may add up to."""


class Text(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be said."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
    language: str = "en"
    speed: Annotated[float, msgspec.Meta(ge=0.5, le=2.0)] = 1.0


class Synthesize(Text, kw_only=True):
    """`POST /tts/synthesize` and `/tts/stream`."""

    voice_id: str | None = None
    split_sentences: bool = True


class Weighted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A voice and its share."""

    voice_id: str
    weight: Annotated[float, msgspec.Meta(gt=0, le=1)]


class Interpolate(Text, kw_only=True):
    """`POST /tts/interpolate`."""

    voices: Annotated[list[Weighted], msgspec.Meta(min_length=2, max_length=5)]


class Language(msgspec.Struct, kw_only=True):
    """A language that can be asked for."""

    code: str
    name: str


async def synthesize(call: Call, *, is_streamed: bool) -> Response | Stream:
    """Raises NotFoundError for a voice that the caller does not have."""
    asked = await call.json(Synthesize)
    is_file = asked.voice_id is not None or not is_streamed
    wish = Wish(
        text=asked.text,
        language=asked.language,
        speed=asked.speed,
        is_split=asked.split_sentences,
        is_streamed=is_streamed,
        voice_id=asked.voice_id,
        answer_headers=_named("synapse_tts.wav") if is_file else {},
    )
    return await say(call, wish, _speakers(call, asked.language))


async def interpolate(call: Call) -> Response | Stream:
    """Voices are not blended: the heaviest is used, and a header says so."""
    asked = await call.json(Interpolate)
    if abs(sum(voice.weight for voice in asked.voices) - 1) > SLACK:
        raise ValidationError("the weights must add up to 1", param="voices")
    targets = _speakers(call, asked.language)
    for voice in asked.voices:
        await call.gateway.voices.find(voice.voice_id, call.identity)
    wish = Wish(
        text=asked.text,
        language=asked.language,
        speed=asked.speed,
        voice_id=max(asked.voices, key=lambda voice: voice.weight).voice_id,
        answer_headers={**_named("synapse_interpolate.wav"), "x-synapse-interpolation": "dominant"},
    )
    return await say(call, wish, targets)


async def spoken(call: Call) -> Response | Stream:
    """The languages of whoever speaks; the usual ones where nobody does."""
    codes = _offered(speakers(call.gateway.registry)) if call.gateway.registry.serving("speech") else languages.USUAL
    return call.answer([Language(code=code, name=languages.NAMES.get(code, code)) for code in codes])


def _speakers(call: Call, language: str) -> Targets:
    """Who speaks *language*. Raises ValidationError and UnavailableError."""
    targets = speakers(call.gateway.registry)
    languages.check(language, _offered(targets))
    return targets


def _offered(targets: Targets) -> tuple[str, ...]:
    return targets[0].upstream.config.languages or languages.USUAL


def _named(filename: str) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename={filename}"}


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/tts/synthesize",
        handler=partial(synthesize, is_streamed=False),
        doc=Doc(summary="Say a text", tag="speech", body=Synthesize, media=WAV),
        operations=("speech", "synthesize"),
    ),
    Endpoint(
        method="POST",
        path="/tts/stream",
        handler=partial(synthesize, is_streamed=True),
        doc=Doc(summary="Say a text, passed on as it is made", tag="speech", body=Synthesize, media=WAV),
        operations=("speech", "synthesize"),
    ),
    Endpoint(
        method="POST",
        path="/tts/interpolate",
        handler=interpolate,
        doc=Doc(summary="Say a text in the heaviest of several voices", tag="speech", body=Interpolate, media=WAV),
        operations=("synthesize",),
    ),
    Endpoint(
        method="GET",
        path="/tts/languages",
        handler=spoken,
        doc=Doc(summary="The languages that can be asked for", tag="speech", answer=list[Language]),
    ),
)
