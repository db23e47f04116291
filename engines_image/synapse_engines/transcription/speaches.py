"""API of Speaches: OpenAI's transcriptions and translations, with the model that each request names."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.errors import InvalidError
from synapse_engines.settings import Settings
from synapse_engines.transcription.form import choice, granularities, read_request
from synapse_engines.transcription.models import InstalledModel, Models, installed
from synapse_engines.transcription.openai_events import OpenAiEvents, error_event
from synapse_engines.transcription.recognizer import Task
from synapse_engines.transcription.response_formats import FORMATS
from synapse_engines.transcription.service import Job, Service
from synapse_engines.transcription.streaming import stream_events
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import cancel_on_disconnect


class SpeachesServer:
    """Handlers of the API; one recording is decoded at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def transcriptions(self, request: Request) -> Response:
        return await self._handle(request, "transcribe")

    async def translations(self, request: Request) -> Response:
        """Handle a translation into English."""
        return await self._handle(request, "translate")

    async def list_models(self, _: Request) -> Response:
        models = self._service.models.installed.values()
        return JSONResponse({"object": "list", "data": [_entry(model) for model in models]})

    async def health(self, _: Request) -> Response:
        return JSONResponse(self._service.health())

    async def _handle(self, request: Request, task: Task) -> Response:
        async with read_form(request, self._service.settings.max_upload) as form:
            response_format = choice(form.text("response_format", "json"), tuple(FORMATS), "response_format")
            details, is_stream = granularities(form), form.flag("stream", default=False)
            job = await self._job(form, task, with_words="word" in details, needs_words="word" in details)
            if not is_stream:
                transcript = await cancel_on_disconnect(request, self._service.transcribe(job))
                return FORMATS[response_format](transcript, task, details)
        return await stream_events(request, self._service.stream(job), OpenAiEvents().render, error_event)

    async def _job(self, form: UploadForm, task: Task, **more: bool) -> Job:
        name = form.text("model")
        if not name:
            raise InvalidError("Field required", "model")
        model = self._service.models.resolve(name)
        options = read_request(form, task, is_stream=form.flag("stream", default=False), **more)
        return Job(model, await self._service.read(form), options)


def _entry(model: InstalledModel) -> dict[str, object]:
    created = round(model.folder.stat().st_mtime)
    task = "automatic-speech-recognition"
    return {"id": model.name, "object": "model", "created": created, "owned_by": "synapse", "task": task}


def build(settings: Settings) -> Starlette:
    service = Service(settings, Models(installed(settings), settings.idle_unload_s))
    server = SpeachesServer(service)
    routes = (
        post("/v1/audio/transcriptions", server.transcriptions),
        post("/v1/audio/translations", server.translations),
        get("/v1/models", server.list_models),
        get("/health", server.health),
    )
    return application(routes, fastapi_format, service.close)
