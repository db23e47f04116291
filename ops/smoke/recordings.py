"""What the stack's own voices say, each sentence asked for once: the material of the checks that hear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ops.gateway.client import Asker
from ops.smoke import sounds
from ops.smoke.sounds import Sound

DIGITS: Final = "seven six two zero"
"""Four that the recogniser without a download tells apart in every voice; of `one` and `nine` it does not."""
SENTENCE: Final = "The quick brown fox jumps over the lazy dog while the sun goes down."
OTHER_SENTENCE: Final = "We were away for a year, and nobody at home has fed the cat since Monday."
CLONEABLE_S: Final = 6.0
"""Length of a reference; more than five seconds are needed to clone a voice."""
VOICES: Final[Mapping[str, tuple[str, str]]] = {"chatterbox": ("Alice.wav", "Michael.wav")}
"""A woman's and a man's voice, by the adapter of who speaks."""
USUAL_VOICES: Final = ("nova", "onyx")


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """*model*: the public name of a speech model, if there is one; *voices*: two that it has."""

    ask: Asker
    model: str | None
    voices: tuple[str, str]
    _made: dict[tuple[str, str | None], Sound] = field(default_factory=dict)

    def said(self, text: str, voice: str | None = None) -> Sound:
        """*text* in the voice of that name, or in the gateway's own choice. Raises WrongAnswerError."""
        if (text, voice) not in self._made:
            self._made[text, voice] = synthesized(self.ask, text) if voice is None else self._spoken(text, voice)
        return self._made[text, voice]

    def _spoken(self, text: str, voice: str) -> Sound:
        return spoken(self.ask, self.model, text, voice)


def synthesized(ask: Asker, text: str, voice_id: str | None = None) -> Sound:
    """*text* by the gateway's own API, in a voice of its library if one is named. Raises WrongAnswerError."""
    body = {"text": text} if voice_id is None else {"text": text, "voice_id": voice_id}
    return sounds.read(ask.content("POST", "/tts/synthesize", json=body))


def spoken(ask: Asker, model: str | None, text: str, voice: str) -> Sound:
    """*text* by OpenAI's API. Raises WrongAnswerError."""
    body = {"model": model or "tts-1", "input": text, "voice": voice, "response_format": "wav"}
    return sounds.read(ask.content("POST", "/v1/audio/speech", json=body))
