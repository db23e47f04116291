"""The contract of Speaches: OpenAI's `/v1/audio/transcriptions`, with a model for each request."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.errors import InvalidError, NotOfferedError
from synapse_engines.hearing.formats import FORMATS, events
from synapse_engines.hearing.recogniser import Ear, models
from synapse_engines.hearing.transcript import Transcript
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import Form, form
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import Stop, Turns, unless_left

ALIAS = "whisper-1"
"""OpenAI's name for whatever is there."""


class Speaches:
    """One recording is listened to at a time."""

    def __init__(self, settings: Settings, ear: Ear, turns: Turns) -> None:
        self._settings = settings
        self._ear = ear
        self._turns = turns

    async def transcriptions(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            name, wanted = self._model(sent), _format(sent)
            granularities = frozenset(sent.texts.get("timestamp_granularities[]", ()))
            is_stream = sent.flag("stream", default=False)
            found = await unless_left(request, self._listen(sent, name))
        return _stream(found) if is_stream else FORMATS[wanted](found, granularities)

    async def translations(self, _: Request) -> Response:
        raise NotOfferedError("the models here write down what is said and translate nothing; run Speaches for that")

    async def listing(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_entry(name) for name in self._ear.names]})

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def _model(self, sent: Form) -> str:
        """Raises InvalidError and NotFoundError."""
        name = sent.text("model")
        if not name:
            raise InvalidError("Field required", "model")
        name = self._ear.default if name == ALIAS else name
        self._ear.check(name)
        return name

    async def _listen(self, sent: Form, name: str) -> Transcript:
        sound = await decode(sent.file("file").path, Ear.RATE, self._settings.max_seconds)
        language = sent.text("language") or None

        def work(stop: Stop) -> Transcript:
            return self._ear.transcribe(name, sound, language, stop)

        return await self._turns.take(work)


def _format(sent: Form) -> str:
    name = sent.text("response_format", "json")
    if name not in FORMATS:
        raise InvalidError(f"got {name[:32]!r}; accepted: {', '.join(FORMATS)}", "response_format")
    return name


def _stream(found: Transcript) -> Response:
    """OpenAI's events."""
    said = [{"type": "transcript.text.delta", "delta": segment.text} for segment in found.segments]
    done = {"type": "transcript.text.done", "text": found.text}
    return Response(events(("", each) for each in [*said, done]), media_type="text/event-stream")


def _entry(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "synapse", "task": "automatic-speech-recognition"}


def build(settings: Settings) -> Starlette:
    turns = Turns("listen")
    server = Speaches(settings, Ear(models(settings)), turns)
    routes = (
        post("/v1/audio/transcriptions", server.transcriptions),
        post("/v1/audio/translations", server.translations),
        get("/v1/models", server.listing),
        get("/health", server.health),
    )
    return application(routes, detail, turns.close)
