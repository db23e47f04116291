"""The contract of the Chatterbox TTS server: named voices, and voices of recordings."""

import asyncio
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines import __version__
from synapse_engines.audio.encoding import encode
from synapse_engines.audio.ffmpeg import decode
from synapse_engines.errors import BadInputError, EngineError, FailedError, NotFoundError
from synapse_engines.settings import Settings
from synapse_engines.voice.cloning import voice_of
from synapse_engines.voice.espeak import RATE, Voice, say
from synapse_engines.voice.references import SUFFIXES, References
from synapse_engines.voice.voices import CHATTERBOX
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import File, form, json
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import unless_left

LONGEST_S = 30
"""Of a reference."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4.0)]
Format = Literal["wav", "opus", "mp3"]


class Tts(msgspec.Struct, kw_only=True):
    """`POST /tts`; what steers the sampling of a neural model is taken and not used."""

    text: Text
    voice_mode: Literal["predefined", "clone"] = "predefined"
    predefined_voice_id: str | None = None
    reference_audio_filename: str | None = None
    output_format: Format = "wav"
    speed_factor: Speed | None = None
    language: str | None = None


class Speech(msgspec.Struct, kw_only=True):
    """`POST /v1/audio/speech`."""

    input: Text
    voice: str = "Alice.wav"
    response_format: Format = "wav"
    speed: Speed = 1.0


class Chatterbox:
    """The server's state: its references, and whether its model counts as loaded."""

    def __init__(self, settings: Settings) -> None:
        self._references = References(settings.references)
        self._most_upload = settings.max_upload
        self._turn = asyncio.Semaphore(1)
        self._is_loaded = True

    # Speech

    async def tts(self, request: Request) -> Response:
        asked = await json(request, Tts)
        voice = await self._voice(asked)
        work = self._say(asked.text, voice, asked.speed_factor or 1.0, asked.output_format, asked.language or "en")
        return await unless_left(request, work)

    async def speech(self, request: Request) -> Response:
        """Whatever fails once the voice is found is a 500, as upstream."""
        asked = await json(request, Speech)
        is_known = asked.voice in CHATTERBOX
        if not is_known and not self._references.has(asked.voice):
            raise NotFoundError(f"Voice file '{asked.voice}' not found.")
        try:
            voice = CHATTERBOX[asked.voice] if is_known else await self._clone(asked.voice)
            return await unless_left(request, self._say(asked.input, voice, asked.speed, asked.response_format))
        except EngineError as error:
            raise FailedError(error.message) from error

    async def _voice(self, asked: Tts) -> Voice:
        if asked.voice_mode == "clone":
            if not asked.reference_audio_filename:
                raise BadInputError("Missing 'reference_audio_filename' for clone mode.")
            return await self._clone(asked.reference_audio_filename)
        if not asked.predefined_voice_id:
            raise BadInputError("Missing 'predefined_voice_id' for predefined voice mode.")
        if asked.predefined_voice_id not in CHATTERBOX:
            raise NotFoundError(f"Predefined voice file '{asked.predefined_voice_id}' not found.")
        return CHATTERBOX[asked.predefined_voice_id]

    async def _clone(self, name: str) -> Voice:
        return await asyncio.to_thread(voice_of, await decode(self._references.find(name), 16_000, LONGEST_S))

    async def _say(self, text: str, voice: Voice, speed: float, wanted: Format, language: str = "en") -> Response:
        async with self._turn:
            self._is_loaded = True
            data, media = await encode(await say(text, voice, speed, language), wanted)
        return Response(data, media_type=media)

    # References

    async def upload(self, request: Request) -> Response:
        accepted, errors = [], []
        async with form(request, self._most_upload) as sent:
            for file in sent.files.get("files", []):
                try:
                    accepted.append(await self._take(file))
                except EngineError as error:
                    errors.append({"filename": file.name, "error": error.message})
        answer = {
            "message": f"Processed {len(accepted)} file(s).",
            "uploaded_files": accepted,
            "all_reference_files": self._references.names(),
            "errors": errors,
        }
        return JSONResponse(answer, status_code=200 if accepted else 400)

    async def _take(self, file: File) -> str:
        """A file of a name that is there already is left as it is. Raises EngineError for what is not taken."""
        if not file.name.lower().endswith(SUFFIXES):
            raise BadInputError(f"Invalid file type; accepted: {', '.join(SUFFIXES)}")
        await decode(file.path, 16_000, LONGEST_S)
        return file.name if self._references.has(file.name) else self._references.keep(file)

    # About itself

    async def reference_files(self, _: Request) -> Response:
        return JSONResponse(self._references.names())

    async def predefined_voices(self, _: Request) -> Response:
        return JSONResponse(_listed())

    async def voices(self, _: Request) -> Response:
        return JSONResponse({"voices": [*CHATTERBOX, *self._references.names()]})

    async def initial_data(self, _: Request) -> Response:
        data = {
            "predefined_voices": _listed(),
            "reference_files": self._references.names(),
            "presets": [],
            "config": {},
        }
        return JSONResponse(data)

    async def model_info(self, _: Request) -> Response:
        model = {"type": "espeak-ng", "device": "cpu", "sample_rate": RATE, "version": __version__}
        return JSONResponse({"loaded": self._is_loaded, **model})

    async def unload(self, _: Request) -> Response:
        """There is nothing to free; the next text loads it again."""
        self._is_loaded = False
        return JSONResponse({"message": "Model unloaded.", "status": "success"})

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})


def _listed() -> list[dict[str, str]]:
    return [{"display_name": name.removesuffix(".wav"), "filename": name} for name in CHATTERBOX]


def build(settings: Settings) -> Starlette:
    server = Chatterbox(settings)
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
    return application(routes, detail)
