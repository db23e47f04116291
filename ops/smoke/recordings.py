"""Recordings made with the stack's own voices, each synthesized once: the input of the checks that take audio."""

from dataclasses import dataclass, field
from typing import Final

from ops.gateway.client import GatewayClient
from ops.smoke import sounds
from ops.smoke.sounds import Sound

DIGITS: Final = "seven six two zero"
SENTENCE: Final = "The quick brown fox jumps over the lazy dog while the sun goes down."
OTHER_SENTENCE: Final = "We were away for a year, and nobody at home has fed the cat since Monday."
CLONED_SENTENCE: Final = "Please bring me a glass of water, a pencil and the newspaper of today."
CLONEABLE_S: Final = 6.0
"""Length of a reference recording; cloning a voice needs more than five seconds."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """*model*: the public name of a speech model, if there is one; *voices*: those of its voices that are tested."""

    client: GatewayClient
    model: str | None
    voices: tuple[str, ...]
    _cache: dict[tuple[str, str | None], Sound] = field(default_factory=dict)

    def speech(self, text: str, voice: str | None = None) -> Sound:
        """Return *text* spoken in *voice*, or in the gateway's default voice. Raises WrongAnswerError."""
        if (text, voice) not in self._cache:
            self._cache[text, voice] = (
                synthesize(self.client, text) if voice is None else speak(self.client, self.model, text, voice)
            )
        return self._cache[text, voice]

    def keep(self, text: str, voice: str | None, sound: Sound) -> None:
        """Keep *sound*, which a check has made and which need not be made again."""
        self._cache[text, voice] = sound


def synthesize(client: GatewayClient, text: str, voice_id: str | None = None) -> Sound:
    """Return *text* by the gateway's own API, in a voice of its library if one is named. Raises WrongAnswerError."""
    body = {"text": text} if voice_id is None else {"text": text, "voice_id": voice_id}
    return sounds.read(client.content("POST", "/tts/synthesize", json=body))


def speak(client: GatewayClient, model: str | None, text: str, voice: str) -> Sound:
    """Return *text* by OpenAI's API. Raises WrongAnswerError."""
    body = {"model": model or "tts-1", "input": text, "voice": voice, "response_format": "wav"}
    return sounds.read(client.content("POST", "/v1/audio/speech", json=body))
