"""The contract of whisper-stt."""

from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.hearing.formats import events
from synapse_engines.hearing.recogniser import Ear, models
from synapse_engines.hearing.transcript import Heard, Transcript
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import Form, form
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import Stop, Turns, unless_left


class WhisperStt:
    """One recording is listened to at a time, with the default model."""

    def __init__(self, settings: Settings, ear: Ear, turns: Turns) -> None:
        self._settings = settings
        self._ear = ear
        self._turns = turns

    async def transcribe(self, request: Request) -> Response:
        """Words are told unless the client says no: so it is upstream."""
        async with form(request, self._settings.max_upload) as sent:
            with_words = sent.flag("word_timestamps", default=True)
            found = await unless_left(request, self._listen(sent))
        return _json(found if with_words else found.without_words())

    async def stream(self, request: Request) -> Response:
        """As upstream, the first event comes when the last is known."""
        async with form(request, self._settings.max_upload) as sent:
            found = await unless_left(request, self._listen(sent))
        said = events([*(("segment", segment) for segment in found.segments), ("done", {})])
        return Response(said, media_type="text/event-stream")

    async def detect(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            found = await unless_left(request, self._detect(sent.file("file").path))
        return JSONResponse(
            {
                "detected_language": found[0].code,
                "probability": found[0].probability,
                "all_languages": [{"code": each.code, "name": each.code} for each in found],
            }
        )

    async def health(self, _: Request) -> Response:
        name = self._ear.default
        return JSONResponse({"status": "ok", "model_loaded": self._ear.is_loaded(name), "model": name})

    async def _listen(self, sent: Form) -> Transcript:
        sound = await decode(sent.file("file").path, Ear.RATE, self._settings.max_seconds)
        language = sent.text("language") or None

        def work(stop: Stop) -> Transcript:
            return self._ear.transcribe(self._ear.default, sound, language, stop)

        return await self._turns.take(work)

    async def _detect(self, path: Path) -> list[Heard]:
        sound = await decode(path, Ear.RATE, self._settings.max_seconds)
        return await self._turns.take(lambda stop: self._ear.detect(self._ear.default, sound, stop))


def _json(found: Transcript) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")


def build(settings: Settings) -> Starlette:
    turns = Turns("listen")
    server = WhisperStt(settings, Ear(models(settings)), turns)
    routes = (
        post("/transcribe", server.transcribe),
        post("/stream", server.stream),
        post("/detect-language", server.detect),
        get("/health", server.health),
    )
    return application(routes, detail, turns.close)
