"""espeak-ng: a text, said.

https://github.com/espeak-ng/espeak-ng/blob/master/docs/guide.md
"""

from collections.abc import Mapping
from dataclasses import dataclass

from synapse_engines.audio.ffmpeg import change
from synapse_engines.audio.programs import run
from synapse_engines.audio.sound import Sound, of_pcm
from synapse_engines.errors import BadInputError, FailedError

WORDS_A_MINUTE = 160
"""The natural speed."""
SLOWEST, FASTEST = 80, 450
"""What espeak-ng can do itself, in words a minute; the rest is stretched."""
RATE = 24_000
LANGUAGES: Mapping[str, str] = {
    "en": "en-us",
    "zh": "cmn",
    "no": "nb",
    **{code: code for code in ("de", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "ar", "cs")},
    **{code: code for code in ("da", "fi", "hu", "nb", "ro", "sv", "uk", "el", "he", "ms", "sw")},
}
"""ISO 639-1 -> espeak-ng's name."""


@dataclass(frozen=True)
class Voice:
    """A *variant* of espeak-ng, and its *pitch* from 0 to 99."""

    variant: str
    pitch: int = 50


async def say(text: str, voice: Voice, speed: float = 1.0, language: str = "en") -> Sound:
    """*text* in *voice*, 24 kHz. Raises BadInputError for a language, or a text, that cannot be said."""
    if language not in LANGUAGES:
        raise BadInputError(f"got language {language[:16]!r}; accepted: {', '.join(sorted(LANGUAGES))}")
    words = WORDS_A_MINUTE * speed
    rate = min(max(words, SLOWEST), FASTEST)
    name = f"{LANGUAGES[language]}+{voice.variant}"
    done = await run(
        ("espeak-ng", "-b", "1", "-v", name, "-s", str(round(rate)), "-p", str(voice.pitch), "--stdin", "--stdout"),
        text.encode(errors="replace"),
    )
    if done.code:
        raise FailedError(f"espeak-ng failed: {done.words}")
    return await _even(done.output, words / rate)


async def _even(wav: bytes, stretch: float) -> Sound:
    """espeak-ng's own WAV at our rate; *stretch* is how much faster it must become."""
    if len(wav) <= 44:
        raise BadInputError("there is nothing in the text that can be said")
    filters = () if abs(stretch - 1) < 0.01 else ("-af", f"atempo={stretch:.3f}")
    arguments = (*filters, "-ac", "1", "-ar", str(RATE), "-f", "s16le")
    return of_pcm(await change(wav, arguments), RATE)
