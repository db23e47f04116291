"""The contract of openedai-speech, which serves Piper: OpenAI's `/v1/audio/speech`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.encoding import encode
from synapse_engines.errors import NotFoundError
from synapse_engines.settings import Settings
from synapse_engines.voice.espeak import Voice, say
from synapse_engines.voice.voices import PIPER
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import json
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import unless_left

MODELS: Mapping[str, Mapping[str, Voice]] = {"tts-1": PIPER}
"""Model -> its voices. There is no `tts-1-hd`, as where Piper runs without XTTS."""


class Speech(msgspec.Struct, kw_only=True):
    """The fields of OpenAI's API."""

    input: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    model: str = "tts-1"
    voice: str = "alloy"
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4.0)] = 1.0


async def _speech(request: Request) -> Response:
    asked = await json(request, Speech)
    voice = _voice(asked)
    return await unless_left(request, _say(asked, voice))


async def _say(asked: Speech, voice: Voice) -> Response:
    data, media = await encode(await say(asked.input, voice, asked.speed), asked.response_format)
    return Response(data, media_type=media)


def _voice(asked: Speech) -> Voice:
    """Raises NotFoundError."""
    if asked.model not in MODELS:
        raise NotFoundError(f"there is no model '{asked.model[:64]}'; accepted: {', '.join(MODELS)}")
    voices = MODELS[asked.model]
    if asked.voice not in voices:
        raise NotFoundError(f"there is no voice '{asked.voice[:64]}'; accepted: {', '.join(voices)}")
    return voices[asked.voice]


async def _models(_: Request) -> Response:
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "synapse"} for name in MODELS]
    return JSONResponse({"object": "list", "data": listed})


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def build(_: Settings) -> Starlette:
    turn = asyncio.Semaphore(2)

    async def speech(request: Request) -> Response:
        async with turn:
            return await _speech(request)

    return application((post("/v1/audio/speech", speech), get("/v1/models", _models), get("/health", _health)), detail)
