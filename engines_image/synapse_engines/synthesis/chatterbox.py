"""API of the Chatterbox TTS server: predefined voices, and voices cloned from recordings."""

import asyncio
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines import __version__
from synapse_engines.audio.ffmpeg import decode
from synapse_engines.audio.formats import encode
from synapse_engines.errors import BadInputError, EngineError, FailedError, NotFoundError
from synapse_engines.settings import Settings
from synapse_engines.synthesis.espeak import RATE, EspeakVoice, synthesize
from synapse_engines.synthesis.references import SUFFIXES, ReferenceStore
from synapse_engines.synthesis.voices import CHATTERBOX, clone_voice
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadedFile, read_form, read_json
from synapse_engines.web.work_queue import cancel_on_disconnect

MAX_REFERENCE_S = 30
REFERENCE_RATE = 16_000
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4.0)]
Format = Literal["wav", "opus", "mp3"]


class TtsRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /tts`; the sampling options of a neural model are accepted and ignored."""

    text: Text
    voice_mode: Literal["predefined", "clone"] = "predefined"
    predefined_voice_id: str | None = None
    reference_audio_filename: str | None = None
    output_format: Format = "wav"
    speed_factor: Speed | None = None
    language: str | None = None


class ChatterboxSpeechRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /v1/audio/speech`."""

    input: Text
    voice: str = "Alice.wav"
    response_format: Format = "wav"
    speed: Speed = 1.0


class ChatterboxServer:
    """Handlers of the API; one text is synthesized at a time, and "loaded" is only a flag."""

    def __init__(self, settings: Settings) -> None:
        self._references = ReferenceStore(settings.references)
        self._max_upload = settings.max_upload
        self._lock = asyncio.Semaphore(1)
        self._is_loaded = True

    # Speech

    async def tts(self, request: Request) -> Response:
        body = await read_json(request, TtsRequest)
        voice = await self._voice(body)
        speed, language = body.speed_factor or 1.0, body.language or "en"
        work = self._synthesize(body.text, voice, speed, body.output_format, language)
        return await cancel_on_disconnect(request, work)

    async def speech(self, request: Request) -> Response:
        """Handle `POST /v1/audio/speech`: every error after the voice lookup is a 500, as upstream."""
        body = await read_json(request, ChatterboxSpeechRequest)
        is_predefined = body.voice in CHATTERBOX
        if not is_predefined and not self._references.has(body.voice):
            raise NotFoundError(f"Voice file '{body.voice}' not found.")
        try:
            voice = CHATTERBOX[body.voice] if is_predefined else await self._clone(body.voice)
            work = self._synthesize(body.input, voice, body.speed, body.response_format)
            return await cancel_on_disconnect(request, work)
        except EngineError as error:
            raise FailedError(error.message) from error

    async def _voice(self, body: TtsRequest) -> EspeakVoice:
        if body.voice_mode == "clone":
            if not body.reference_audio_filename:
                raise BadInputError("Missing 'reference_audio_filename' for clone mode.")
            return await self._clone(body.reference_audio_filename)
        if not body.predefined_voice_id:
            raise BadInputError("Missing 'predefined_voice_id' for predefined voice mode.")
        if body.predefined_voice_id not in CHATTERBOX:
            raise NotFoundError(f"Predefined voice file '{body.predefined_voice_id}' not found.")
        return CHATTERBOX[body.predefined_voice_id]

    async def _clone(self, name: str) -> EspeakVoice:
        reference = await decode(self._references.path(name), REFERENCE_RATE, MAX_REFERENCE_S)
        return await asyncio.to_thread(clone_voice, reference)

    async def _synthesize(
        self, text: str, voice: EspeakVoice, speed: float, output: Format, language: str = "en"
    ) -> Response:
        async with self._lock:
            self._is_loaded = True
            data, media_type = await encode(await synthesize(text, voice, speed, language), output)
        return Response(data, media_type=media_type)

    # References

    async def upload(self, request: Request) -> Response:
        accepted, errors = [], []
        async with read_form(request, self._max_upload) as form:
            for file in form.files.get("files", []):
                try:
                    accepted.append(await self._save(file))
                except EngineError as error:
                    errors.append({"filename": file.name, "error": error.message})
        content = {
            "message": f"Processed {len(accepted)} file(s).",
            "uploaded_files": accepted,
            "all_reference_files": self._references.names(),
            "errors": errors,
        }
        return JSONResponse(content, status_code=200 if accepted else 400)

    async def _save(self, file: UploadedFile) -> str:
        """Check and store *file*; an existing file of its name is kept. Raises EngineError if it is refused."""
        if not file.name.lower().endswith(SUFFIXES):
            raise BadInputError(f"Invalid file type; accepted: {', '.join(SUFFIXES)}")
        await decode(file.path, REFERENCE_RATE, MAX_REFERENCE_S)
        return file.name if self._references.has(file.name) else self._references.save(file)

    # Listings and model state

    async def reference_files(self, _: Request) -> Response:
        return JSONResponse(self._references.names())

    async def predefined_voices(self, _: Request) -> Response:
        return JSONResponse(_predefined_voices())

    async def voices(self, _: Request) -> Response:
        return JSONResponse({"voices": [*CHATTERBOX, *self._references.names()]})

    async def initial_data(self, _: Request) -> Response:
        data = {
            "predefined_voices": _predefined_voices(),
            "reference_files": self._references.names(),
            "presets": [],
            "config": {},
        }
        return JSONResponse(data)

    async def model_info(self, _: Request) -> Response:
        model = {"type": "espeak-ng", "device": "cpu", "sample_rate": RATE, "version": __version__}
        return JSONResponse({"loaded": self._is_loaded, **model})

    async def unload(self, _: Request) -> Response:
        """Mark the model as unloaded; there is no memory to free, and the next text marks it as loaded."""
        self._is_loaded = False
        return JSONResponse({"message": "Model unloaded.", "status": "success"})


def _predefined_voices() -> list[dict[str, str]]:
    return [{"display_name": name.removesuffix(".wav"), "filename": name} for name in CHATTERBOX]


def build(settings: Settings) -> Starlette:
    server = ChatterboxServer(settings)
    routes = (
        post("/tts", server.tts),
        post("/v1/audio/speech", server.speech),
        post("/upload_reference", server.upload),
        get("/get_reference_files", server.reference_files),
        get("/get_predefined_voices", server.predefined_voices),
        get("/v1/audio/voices", server.voices),
        get("/api/ui/initial-data", server.initial_data),
        get("/api/model-info", server.model_info),
        post("/api/unload", server.unload),
        get("/health", health),
    )
    return application(routes, fastapi_format)
