"""Speech request, and its translation for each kind of text-to-speech backend: the operation and its fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from synapse_gateway.routing.forward import UpstreamCall
from synapse_gateway.routing.registry import Target
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.upstream import Upstream

NORMAL_SPEED = 1.0


@dataclass(frozen=True, kw_only=True)
class SpeechRequest:
    """Text to synthesize. *voice_id*: a voice of the library to clone; None: the default voice of the backend."""

    text: str
    language: str = "en"  # empty: the backend detects it
    speed: float = NORMAL_SPEED
    is_split: bool = True  # into sentences, which long texts need
    is_streamed: bool = False
    audio_format: str | None = None  # None: WAV
    voice_id: str | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)


class SpeechDialect(Protocol):
    """Request format of a kind of backend. *reference*: the backend's name of the recording to clone."""

    def operation(self, request: SpeechRequest, reference: str | None) -> Operation: ...

    def fields(self, request: SpeechRequest, reference: str | None, model: str | None) -> Mapping[str, Any]:
        """Return the fields of the body. *model*: the backend's name of the model."""
        ...


class Chatterbox:
    """Chatterbox TTS server: `/tts` clones voices and splits texts, `/v1/audio/speech` alone streams."""

    VOICE = "Alice.wav"
    MODEL = "chatterbox"

    def operation(self, request: SpeechRequest, reference: str | None) -> Operation:
        return "speech" if request.is_streamed and reference is None else "synthesize"

    def fields(self, request: SpeechRequest, reference: str | None, model: str | None) -> Mapping[str, Any]:
        if self.operation(request, reference) == "speech":
            return {"model": model or self.MODEL, "input": request.text, "voice": self.VOICE, "speed": request.speed}
        return {
            "text": request.text,
            "split_text": request.is_split,
            **self._voice(reference),
            **self._options(request),
        }

    def _voice(self, reference: str | None) -> Mapping[str, Any]:
        if reference is None:
            return {"voice_mode": "predefined", "predefined_voice_id": self.VOICE}
        return {"voice_mode": "clone", "reference_audio_filename": reference}

    def _options(self, request: SpeechRequest) -> Mapping[str, Any]:
        options = {
            "language": request.language or None,
            "speed_factor": None if request.speed == NORMAL_SPEED else request.speed,
            "output_format": request.audio_format,
        }
        return {name: value for name, value in options.items() if value is not None}


class OpenAISpeech:
    """Server with OpenAI's `/v1/audio/speech` (Piper, Speaches, OpenVoice), which has no cloning and no languages."""

    VOICE = "alloy"
    MODEL = "tts-1"

    def operation(self, request: SpeechRequest, reference: str | None) -> Operation:  # noqa: ARG002
        return "speech"

    def fields(self, request: SpeechRequest, reference: str | None, model: str | None) -> Mapping[str, Any]:  # noqa: ARG002
        return {
            "model": model or self.MODEL,
            "input": request.text,
            "voice": self.VOICE,
            "response_format": request.audio_format or "wav",
            "speed": request.speed,
        }


CHATTERBOX, OPENAI = Chatterbox(), OpenAISpeech()


def can_clone(upstream: Upstream) -> bool:
    return upstream.path("synthesize") is not None


def upstream_call(upstream: Upstream, request: SpeechRequest, reference: str | None, timeout_s: float) -> UpstreamCall:
    """Return the call that synthesizes *request* on *upstream*."""
    dialect: SpeechDialect = CHATTERBOX if can_clone(upstream) else OPENAI

    def body(target: Target) -> bytes:
        return msgspec.json.encode(dialect.fields(request, reference, target.model))

    return UpstreamCall(
        operation=dialect.operation(request, reference),
        timeout_s=timeout_s,
        body=body,
        answer_headers=request.answer_headers,
    )
