"""API of whisper-stt: `/transcribe`, `/stream` and `/detect-language`."""

from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.settings import Settings
from synapse_engines.transcription.models import SAMPLE_RATE, ModelCache, available_models
from synapse_engines.transcription.response_formats import server_sent_events
from synapse_engines.transcription.transcript import DetectedLanguage, Transcript
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect


class WhisperSttServer:
    """Handlers of the API; the default model transcribes one recording at a time."""

    def __init__(self, settings: Settings, models: ModelCache, queue: WorkQueue) -> None:
        self._settings = settings
        self._models = models
        self._queue = queue

    async def transcribe(self, request: Request) -> Response:
        """Handle `POST /transcribe`; words are included by default, as upstream."""
        async with read_form(request, self._settings.max_upload) as form:
            with_words = form.flag("word_timestamps", default=True)
            transcript = await cancel_on_disconnect(request, self._transcribe(form))
        return _json(transcript if with_words else transcript.without_words())

    async def stream(self, request: Request) -> Response:
        """Handle `POST /stream`; as upstream, all events are sent after the whole recording is transcribed."""
        async with read_form(request, self._settings.max_upload) as form:
            transcript = await cancel_on_disconnect(request, self._transcribe(form))
        events = server_sent_events([*(("segment", segment) for segment in transcript.segments), ("done", {})])
        return Response(events, media_type="text/event-stream")

    async def detect_language(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            languages = await cancel_on_disconnect(request, self._detect(form.file("file").path))
        return JSONResponse(
            {
                "detected_language": languages[0].code,
                "probability": languages[0].probability,
                "all_languages": [{"code": each.code, "name": each.code} for each in languages],
            }
        )

    async def health(self, _: Request) -> Response:
        name = self._models.default
        return JSONResponse({"status": "ok", "model_loaded": self._models.is_loaded(name), "model": name})

    async def _transcribe(self, form: UploadForm) -> Transcript:
        waveform = await decode(form.file("file").path, SAMPLE_RATE, self._settings.max_seconds)
        language = form.text("language") or None

        def work(cancel: CancelEvent) -> Transcript:
            return self._models.transcribe(self._models.default, waveform, language, cancel)

        return await self._queue.run(work)

    async def _detect(self, path: Path) -> list[DetectedLanguage]:
        waveform = await decode(path, SAMPLE_RATE, self._settings.max_seconds)
        return await self._queue.run(
            lambda cancel: self._models.detect_languages(self._models.default, waveform, cancel)
        )


def _json(transcript: Transcript) -> Response:
    return Response(msgspec.json.encode(transcript), media_type="application/json")


def build(settings: Settings) -> Starlette:
    queue = WorkQueue("transcribe")
    server = WhisperSttServer(settings, ModelCache(available_models(settings)), queue)
    routes = (
        post("/transcribe", server.transcribe),
        post("/stream", server.stream),
        post("/detect-language", server.detect_language),
        get("/health", server.health),
    )
    return application(routes, fastapi_format, queue.close)
