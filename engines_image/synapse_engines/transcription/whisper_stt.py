"""API of whisper-stt: `/transcribe`, `/stream` and `/detect-language`."""

from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.errors import EngineError
from synapse_engines.settings import Settings
from synapse_engines.transcription.form import read_request
from synapse_engines.transcription.models import Models, installed
from synapse_engines.transcription.service import Item, Job, Service
from synapse_engines.transcription.streaming import Event, stream_events
from synapse_engines.transcription.transcript import Segment, Transcript
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import cancel_on_disconnect

MAX_LANGUAGES = 5


class WhisperSttServer:
    """Handlers of the API, which has only the default model."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def transcribe(self, request: Request) -> Response:
        """Handle `POST /transcribe`; words are included by default, as upstream."""
        async with read_form(request, self._service.settings.max_upload) as form:
            job = await self._job(form, with_words=form.flag("word_timestamps", default=True))
            transcript = await cancel_on_disconnect(request, self._service.transcribe(job))
        return Response(msgspec.json.encode(_transcript(transcript)), media_type="application/json")

    async def stream(self, request: Request) -> Response:
        """Handle `POST /stream`: a segment, always with its words, is sent while the next one is decoded."""
        async with read_form(request, self._service.settings.max_upload) as form:
            job = await self._job(form, with_words=True, is_stream=True)
        return await stream_events(request, self._service.stream(job), _events, _error)

    async def detect_language(self, request: Request) -> Response:
        async with read_form(request, self._service.settings.max_upload) as form:
            waveform = await self._service.read(form)
            work = self._service.detect_languages(self._service.models.default, waveform)
            languages = await cancel_on_disconnect(request, work)
        return JSONResponse(
            {
                "detected_language": languages[0].code,
                "probability": languages[0].probability,
                "all_languages": [{"code": each.code, "name": each.code} for each in languages[:MAX_LANGUAGES]],
            }
        )

    async def health(self, _: Request) -> Response:
        return JSONResponse(self._service.health())

    async def _job(self, form: UploadForm, **more: bool) -> Job:
        options = read_request(form, "transcribe", **more)
        return Job(self._service.models.default, await self._service.read(form), options)


def _transcript(transcript: Transcript) -> dict[str, Any]:
    return {
        "text": transcript.text,
        "language": transcript.language.code,
        "language_probability": transcript.language.probability,
        "duration": transcript.duration,
        "segments": [_segment(segment) for segment in transcript.segments],
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "text": segment.text.strip(),
        "start": segment.start,
        "end": segment.end,
        "words": segment.words,
    }


def _events(item: Item | None) -> Iterator[Event]:
    if item is None:
        yield Event("done", {})
    elif isinstance(item, Segment):
        yield Event("segment", _segment(item))


def _error(error: EngineError) -> Event:
    return Event("error", fastapi_format(error))


def build(settings: Settings) -> Starlette:
    service = Service(settings, Models(installed(settings), settings.idle_unload_s))
    server = WhisperSttServer(service)
    routes = (
        post("/transcribe", server.transcribe),
        post("/stream", server.stream),
        post("/detect-language", server.detect_language),
        get("/health", server.health),
    )
    return application(routes, fastapi_format, service.close)
