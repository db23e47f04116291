"""API of Speaches: OpenAI's `/v1/audio/transcriptions`, with the model that each request names."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.errors import InvalidError, NotOfferedError
from synapse_engines.settings import Settings
from synapse_engines.transcription.models import SAMPLE_RATE, ModelCache, available_models
from synapse_engines.transcription.response_formats import FORMATS, server_sent_events
from synapse_engines.transcription.transcript import Transcript
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect

DEFAULT_ALIAS = "whisper-1"
"""OpenAI's model name, which stands for the default model."""


class SpeachesServer:
    """Handlers of the API; one recording is transcribed at a time."""

    def __init__(self, settings: Settings, models: ModelCache, queue: WorkQueue) -> None:
        self._settings = settings
        self._models = models
        self._queue = queue

    async def transcriptions(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            name, response_format = self._model_name(form), _response_format(form)
            granularities = frozenset(form.texts.get("timestamp_granularities[]", ()))
            is_stream = form.flag("stream", default=False)
            transcript = await cancel_on_disconnect(request, self._transcribe(form, name))
        return _stream(transcript) if is_stream else FORMATS[response_format](transcript, granularities)

    async def translations(self, _: Request) -> Response:
        raise NotOfferedError("these models transcribe only and translate nothing; use Speaches to translate")

    async def list_models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model_entry(name) for name in self._models.names]})

    def _model_name(self, form: UploadForm) -> str:
        """Return the requested model. Raises InvalidError and NotFoundError."""
        name = form.text("model")
        if not name:
            raise InvalidError("Field required", "model")
        name = self._models.default if name == DEFAULT_ALIAS else name
        self._models.check_name(name)
        return name

    async def _transcribe(self, form: UploadForm, name: str) -> Transcript:
        waveform = await decode(form.file("file").path, SAMPLE_RATE, self._settings.max_seconds)
        language = form.text("language") or None

        def work(cancel: CancelEvent) -> Transcript:
            return self._models.transcribe(name, waveform, language, cancel)

        return await self._queue.run(work)


def _response_format(form: UploadForm) -> str:
    name = form.text("response_format", "json")
    if name not in FORMATS:
        raise InvalidError(f"got {name[:32]!r}; accepted: {', '.join(FORMATS)}", "response_format")
    return name


def _stream(transcript: Transcript) -> Response:
    """Return the transcript as OpenAI's events."""
    deltas = [{"type": "transcript.text.delta", "delta": segment.text} for segment in transcript.segments]
    done = {"type": "transcript.text.done", "text": transcript.text}
    return Response(server_sent_events(("", each) for each in [*deltas, done]), media_type="text/event-stream")


def _model_entry(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "synapse", "task": "automatic-speech-recognition"}


def build(settings: Settings) -> Starlette:
    queue = WorkQueue("transcribe")
    server = SpeachesServer(settings, ModelCache(available_models(settings)), queue)
    routes = (
        post("/v1/audio/transcriptions", server.transcriptions),
        post("/v1/audio/translations", server.translations),
        get("/v1/models", server.list_models),
        get("/health", health),
    )
    return application(routes, fastapi_format, queue.close)
