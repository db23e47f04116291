"""API of OpenAI for speech: `/v1/audio/speech` with its models and voices, for every engine that has it.

https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from synapse_engines.audio.encoding import encode_stream
from synapse_engines.audio.formats import SPEECH_FORMATS
from synapse_engines.errors import BadInputError, NotFoundError
from synapse_engines.models.memory import resident_bytes
from synapse_engines.synthesis.sentences import MAX_CHARACTERS, segments
from synapse_engines.synthesis.speech_queue import Speaker, SpeechQueue
from synapse_engines.synthesis.speech_response import EVENT_STREAM, as_events, speech_response
from synapse_engines.web.application import get, post
from synapse_engines.web.requests import read_json

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4.0)]


class SpeechRequest(msgspec.Struct, kw_only=True):
    """Body of `POST /v1/audio/speech`. An empty *lang_code*: the language of the voice."""

    input: Text
    model: str = "tts-1"
    voice: str = "alloy"
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Speed = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    lang_code: str = ""


@dataclass(frozen=True, kw_only=True)
class SpeechApi:
    """Handlers of the API. *speaker* returns the voice of a request, or raises an error."""

    queue: SpeechQueue
    models: Sequence[str]
    voices: Callable[[], Sequence[dict[str, str]]]
    speaker: Callable[[SpeechRequest], Speaker]
    is_loaded: Callable[[], bool]

    def routes(self) -> Sequence[Route]:
        return (
            post("/v1/audio/speech", self.speech),
            get("/v1/audio/voices", self.list_voices),
            get("/v1/models", self.list_models),
            get("/health", self.health),
        )

    async def speech(self, request: Request) -> Response:
        body = await read_json(request, SpeechRequest)
        if body.model not in self.models:
            raise NotFoundError(f"model '{body.model[:64]}' does not exist; accepted: {', '.join(self.models)}")
        speaker = self.speaker(body)
        pieces = self.queue.stream(spoken_segments(body.input), speaker.speak)
        chunks = encode_stream(pieces, body.response_format, speaker.tempo)
        if body.stream_format == "sse":
            return await speech_response(request, as_events(chunks), EVENT_STREAM)
        return await speech_response(request, chunks, SPEECH_FORMATS[body.response_format].media_type)

    async def list_voices(self, _: Request) -> Response:
        return JSONResponse({"voices": self.voices()})

    async def list_models(self, _: Request) -> Response:
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "synapse"} for name in self.models]
        return JSONResponse({"object": "list", "data": entries})

    async def health(self, _: Request) -> Response:
        return JSONResponse(health_report(self.queue, is_loaded=self.is_loaded()))


def health_report(queue: SpeechQueue, *, is_loaded: bool) -> dict[str, Any]:
    """Return the state of an engine: the texts and segments are those since its start."""
    figures = {"model_loaded": is_loaded, "memory_bytes": resident_bytes()}
    return {"status": "ok", **figures, "running_texts": queue.requests, "spoken_segments": queue.spoken}


def spoken_segments(text: str, limit: int = MAX_CHARACTERS) -> list[str]:
    """Return the segments of *text*, of at most *limit* characters. Raises BadInputError if it has no words."""
    if pieces := segments(text, limit):
        return pieces
    raise BadInputError("the text has no words that can be spoken")
