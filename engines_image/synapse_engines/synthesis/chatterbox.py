"""API of the Chatterbox TTS server: predefined voices, and voices cloned from recordings."""

from importlib import import_module
from typing import Annotated, Literal, cast

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines import __version__
from synapse_engines.audio.encoding import Pieces, encode, encode_stream
from synapse_engines.audio.ffmpeg import decode
from synapse_engines.audio.formats import SPEECH_FORMATS
from synapse_engines.errors import BadInputError, EngineError, FailedError, NotFoundError, UnavailableError
from synapse_engines.models.memory import resident_bytes
from synapse_engines.settings import Settings
from synapse_engines.synthesis.openai_speech import Speed, Text, health_report, spoken_segments
from synapse_engines.synthesis.references import SUFFIXES, ReferenceStore
from synapse_engines.synthesis.speech_queue import Speaker, SpeechQueue
from synapse_engines.synthesis.speech_response import speech_response
from synapse_engines.synthesis.synthesizer import Reference, SpeechOptions, Synthesizer
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadedFile, read_form, read_json
from synapse_engines.web.work_queue import cancel_on_disconnect

MAX_REFERENCE_S = 30
MIN_REFERENCE_S = 5.0
"""Length that a reference must exceed, as for Chatterbox."""
REFERENCE_RATE = 16_000
Format = Literal["wav", "opus", "mp3"]
Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Share = Annotated[float, msgspec.Meta(ge=0, le=2)]


class TtsRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /tts`. Only Chatterbox itself has *temperature*, *exaggeration*, *cfg_weight* and *seed*."""

    text: Text
    voice_mode: Literal["predefined", "clone"] = "predefined"
    predefined_voice_id: str | None = None
    reference_audio_filename: str | None = None
    output_format: Format = "wav"
    split_text: bool = True
    chunk_size: Annotated[int, msgspec.Meta(ge=50, le=500)] = 120
    speed_factor: Speed | None = None
    language: str | None = None
    temperature: Annotated[float, msgspec.Meta(gt=0, le=2)] | None = None
    exaggeration: Share | None = None
    cfg_weight: Share | None = None
    seed: Seed | None = None

    def options(self) -> SpeechOptions:
        return SpeechOptions(
            speed=self.speed_factor or 1.0,
            language=self.language or "en",
            temperature=self.temperature,
            exaggeration=self.exaggeration,
            cfg_weight=self.cfg_weight,
            seed=self.seed or 0,
        )


class ChatterboxSpeechRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /v1/audio/speech`."""

    input: Text
    voice: str = "Alice.wav"
    response_format: Format = "wav"
    speed: Speed = 1.0
    seed: Seed | None = None


class ChatterboxServer:
    """Handlers of the API."""

    def __init__(self, settings: Settings, synthesizer: Synthesizer, queue: SpeechQueue) -> None:
        self._references = ReferenceStore(settings.references)
        self._max_upload = settings.max_upload
        self._synthesizer, self._queue = synthesizer, queue

    # Speech

    async def tts(self, request: Request) -> Response:
        body = await read_json(request, TtsRequest)
        data = await cancel_on_disconnect(request, self._file(body))
        return Response(data, media_type=SPEECH_FORMATS[body.output_format].media_type)

    async def speech(self, request: Request) -> Response:
        """Handle `POST /v1/audio/speech`: every error of the synthesis is a 500, as upstream."""
        body = await read_json(request, ChatterboxSpeechRequest)
        if body.voice not in self._synthesizer.names() and not self._references.has(body.voice):
            raise NotFoundError(f"Voice file '{body.voice}' not found.")
        spoken_segments(body.input)
        try:
            speaker = await cancel_on_disconnect(request, self._named_speaker(body))
            chunks = encode_stream(self._pieces(body.input, speaker), body.response_format, speaker.tempo)
            return await speech_response(request, chunks, SPEECH_FORMATS[body.response_format].media_type)
        except EngineError as error:
            raise FailedError(error.message) from error

    async def _file(self, body: TtsRequest) -> bytes:
        """Return the whole speech of `POST /tts`."""
        limit = body.chunk_size if body.split_text else self._synthesizer.max_characters
        spoken_segments(body.text)
        speaker = await self._synthesizer.speaker(await self._voice(body), body.options())
        return await encode(self._pieces(body.text, speaker, limit), body.output_format, speaker.tempo)

    def _pieces(self, text: str, speaker: Speaker, limit: int = 120) -> Pieces:
        parts = spoken_segments(text, min(limit, self._synthesizer.max_characters))
        return self._queue.stream(parts, speaker.speak)

    async def _voice(self, body: TtsRequest) -> str | Reference:
        if body.voice_mode == "clone":
            if not body.reference_audio_filename:
                raise BadInputError("Missing 'reference_audio_filename' for clone mode.")
            return await self._reference(body.reference_audio_filename)
        if not body.predefined_voice_id:
            raise BadInputError("Missing 'predefined_voice_id' for predefined voice mode.")
        if body.predefined_voice_id not in self._synthesizer.names():
            raise NotFoundError(f"Predefined voice file '{body.predefined_voice_id}' not found.")
        return body.predefined_voice_id

    async def _named_speaker(self, body: ChatterboxSpeechRequest) -> Speaker:
        is_predefined = body.voice in self._synthesizer.names()
        voice = body.voice if is_predefined else await self._reference(body.voice)
        return await self._synthesizer.speaker(voice, SpeechOptions(speed=body.speed, seed=body.seed or 0))

    async def _reference(self, name: str) -> Reference:
        """Return an uploaded recording. Raises NotFoundError, and FailedError if it is too short, as upstream."""
        path = self._references.path(name)
        waveform = await decode(path, REFERENCE_RATE, MAX_REFERENCE_S)
        if waveform.seconds <= MIN_REFERENCE_S:
            raise FailedError(f"the reference has {waveform.seconds:.1f} s; more than {MIN_REFERENCE_S:g} s are needed")
        return Reference(path, waveform)

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
        return JSONResponse(self._predefined_voices())

    async def voices(self, _: Request) -> Response:
        return JSONResponse({"voices": [*self._synthesizer.names(), *self._references.names()]})

    async def initial_data(self, _: Request) -> Response:
        data = {
            "predefined_voices": self._predefined_voices(),
            "reference_files": self._references.names(),
            "presets": [],
            "config": {},
        }
        return JSONResponse(data)

    async def model_info(self, _: Request) -> Response:
        return JSONResponse({**self._synthesizer.info(), "memory_bytes": resident_bytes(), "version": __version__})

    async def unload(self, _: Request) -> Response:
        """Release the model; the next text loads it again. Raises UnavailableError while a text is synthesized."""
        if not self._synthesizer.unload() and self._synthesizer.info()["loaded"]:
            raise UnavailableError("a text is being synthesized; retry when it is done")
        return JSONResponse({"message": "Model unloaded.", "status": "success"})

    async def health(self, _: Request) -> Response:
        return JSONResponse(health_report(self._queue, is_loaded=self._synthesizer.info()["loaded"]))

    def _predefined_voices(self) -> list[dict[str, str]]:
        return [{"display_name": name.removesuffix(".wav"), "filename": name} for name in self._synthesizer.names()]


def create_synthesizer(settings: Settings, queue: SpeechQueue) -> Synthesizer:
    """Return the model of the settings, whose libraries are imported only here. Raises SettingError."""
    if settings.synthesizer == "chatterbox":
        module = import_module("synapse_engines.synthesis.chatterbox_library")
        return cast(Synthesizer, module.ChatterboxSynthesizer(settings))
    module = import_module("synapse_engines.synthesis.nearest_voice_synthesizer")
    return cast(Synthesizer, module.NearestVoiceSynthesizer(settings, queue))


def build(settings: Settings) -> Starlette:
    """Return the application. Raises SettingError if the device, the model or the voices are missing."""
    queue = SpeechQueue("chatterbox")
    synthesizer = create_synthesizer(settings, queue)
    server = ChatterboxServer(settings, synthesizer, queue)
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
        get("/health", server.health),
    )

    def close() -> None:
        queue.close()
        synthesizer.close()

    return application(routes, fastapi_format, close)
