"""API of openedai-speech, which serves Piper: OpenAI's `/v1/audio/speech`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.formats import encode
from synapse_engines.errors import NotFoundError
from synapse_engines.settings import Settings
from synapse_engines.synthesis.espeak import EspeakVoice, synthesize
from synapse_engines.synthesis.voices import PIPER
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import read_json
from synapse_engines.web.work_queue import cancel_on_disconnect

MODELS: Mapping[str, Mapping[str, EspeakVoice]] = {"tts-1": PIPER}
"""Model -> its voices. `tts-1-hd` is missing, as in a Piper server without XTTS."""
MAX_RUNNING = 2


class PiperSpeechRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /v1/audio/speech`."""

    input: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    model: str = "tts-1"
    voice: str = "alloy"
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4.0)] = 1.0


async def _speech(request: Request) -> Response:
    body = await read_json(request, PiperSpeechRequest)
    voice = _voice(body)
    return await cancel_on_disconnect(request, _synthesize(body, voice))


async def _synthesize(body: PiperSpeechRequest, voice: EspeakVoice) -> Response:
    data, media_type = await encode(await synthesize(body.input, voice, body.speed), body.response_format)
    return Response(data, media_type=media_type)


def _voice(body: PiperSpeechRequest) -> EspeakVoice:
    """Return the requested voice. Raises NotFoundError."""
    if body.model not in MODELS:
        raise NotFoundError(f"model '{body.model[:64]}' does not exist; accepted: {', '.join(MODELS)}")
    voices = MODELS[body.model]
    if body.voice not in voices:
        raise NotFoundError(f"voice '{body.voice[:64]}' does not exist; accepted: {', '.join(voices)}")
    return voices[body.voice]


async def _list_models(_: Request) -> Response:
    entries = [{"id": name, "object": "model", "created": 0, "owned_by": "synapse"} for name in MODELS]
    return JSONResponse({"object": "list", "data": entries})


def build(_: Settings) -> Starlette:
    limit = asyncio.Semaphore(MAX_RUNNING)

    async def speech(request: Request) -> Response:
        async with limit:
            return await _speech(request)

    routes = (post("/v1/audio/speech", speech), get("/v1/models", _list_models), get("/health", health))
    return application(routes, fastapi_format)
