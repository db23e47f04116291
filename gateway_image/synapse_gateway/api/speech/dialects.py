"""How each kind of text-to-speech backend is asked: which operation, with which fields."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from synapse_gateway.api.speech.request import Wish
from synapse_gateway.routing.forward import UpstreamCall
from synapse_gateway.routing.registry import Target
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.upstream import Upstream

NATURAL = 1.0
"""The speed that needs no field of its own."""


class Dialect(Protocol):
    """A way to ask for speech."""

    def operation(self, wish: Wish, copy: str | None) -> Operation: ...

    def fields(self, wish: Wish, copy: str | None, model: str | None) -> Mapping[str, Any]:
        """The body. *copy*: the backend's name for the recording to clone; *model*: its name for the model."""
        ...


class Chatterbox:
    """A Chatterbox TTS server: `/tts` clones and splits, `/v1/audio/speech` alone streams."""

    VOICE = "Alice.wav"
    MODEL = "chatterbox"

    def operation(self, wish: Wish, copy: str | None) -> Operation:
        return "speech" if wish.is_streamed and copy is None else "synthesize"

    def fields(self, wish: Wish, copy: str | None, model: str | None) -> Mapping[str, Any]:
        if self.operation(wish, copy) == "speech":
            return {"model": model or self.MODEL, "input": wish.text, "voice": self.VOICE, "speed": wish.speed}
        return {"text": wish.text, "split_text": wish.is_split, **self._voice(copy), **self._options(wish)}

    def _voice(self, copy: str | None) -> Mapping[str, Any]:
        if copy is None:
            return {"voice_mode": "predefined", "predefined_voice_id": self.VOICE}
        return {"voice_mode": "clone", "reference_audio_filename": copy}

    def _options(self, wish: Wish) -> Mapping[str, Any]:
        options = {
            "language": wish.language or None,
            "speed_factor": None if wish.speed == NATURAL else wish.speed,
            "output_format": wish.audio_format,
        }
        return {name: value for name, value in options.items() if value is not None}


class OpenAISpeech:
    """Whatever has OpenAI's `/v1/audio/speech`: Piper, Speaches, OpenVoice. It neither clones nor takes a language."""

    VOICE = "alloy"
    MODEL = "tts-1"

    def operation(self, wish: Wish, copy: str | None) -> Operation:  # noqa: ARG002
        return "speech"

    def fields(self, wish: Wish, copy: str | None, model: str | None) -> Mapping[str, Any]:  # noqa: ARG002
        return {
            "model": model or self.MODEL,
            "input": wish.text,
            "voice": self.VOICE,
            "response_format": wish.audio_format or "wav",
            "speed": wish.speed,
        }


CHATTERBOX, OPENAI = Chatterbox(), OpenAISpeech()


def can_clone(backend: Upstream) -> bool:
    return backend.path("synthesize") is not None


def order(backend: Upstream, wish: Wish, copy: str | None, timeout_s: float) -> UpstreamCall:
    """How *backend* is asked for *wish*."""
    dialect: Dialect = CHATTERBOX if can_clone(backend) else OPENAI

    def body(target: Target) -> bytes:
        return msgspec.json.encode(dialect.fields(wish, copy, target.model))

    return UpstreamCall(
        operation=dialect.operation(wish, copy), timeout_s=timeout_s, body=body, answer_headers=wish.answer_headers
    )
