"""Speech synthesis with espeak-ng.

https://github.com/espeak-ng/espeak-ng/blob/master/docs/guide.md
"""

from collections.abc import Mapping
from dataclasses import dataclass

from synapse_engines.audio.ffmpeg import convert
from synapse_engines.audio.subprocesses import run
from synapse_engines.audio.waveform import Waveform, from_pcm
from synapse_engines.errors import BadInputError, FailedError

WORDS_PER_MINUTE = 160
"""Speech rate at speed 1."""
SLOWEST, FASTEST = 80, 450
"""Range of espeak-ng in words per minute; outside of it ffmpeg changes the tempo."""
RATE = 24_000
WAV_HEADER_BYTES = 44
LANGUAGES: Mapping[str, str] = {
    "en": "en-us",
    "zh": "cmn",
    "no": "nb",
    **{code: code for code in ("de", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "ar", "cs")},
    **{code: code for code in ("da", "fi", "hu", "nb", "ro", "sv", "uk", "el", "he", "ms", "sw")},
}
"""ISO 639-1 code -> language name of espeak-ng."""


@dataclass(frozen=True)
class EspeakVoice:
    """Voice *variant* of espeak-ng, and its *pitch* from 0 to 99."""

    variant: str
    pitch: int = 50


async def synthesize(text: str, voice: EspeakVoice, speed: float = 1.0, language: str = "en") -> Waveform:
    """Return *text* as speech at 24 kHz. Raises BadInputError for an unknown language or a text without words."""
    if language not in LANGUAGES:
        raise BadInputError(f"got language {language[:16]!r}; accepted: {', '.join(sorted(LANGUAGES))}")
    words_per_minute = WORDS_PER_MINUTE * speed
    rate = min(max(words_per_minute, SLOWEST), FASTEST)
    name = f"{LANGUAGES[language]}+{voice.variant}"
    result = await run(
        ("espeak-ng", "-b", "1", "-v", name, "-s", str(round(rate)), "-p", str(voice.pitch), "--stdin", "--stdout"),
        text.encode(errors="replace"),
    )
    if result.code:
        raise FailedError(f"espeak-ng failed: {result.message}")
    return await _resample(result.output, words_per_minute / rate)


async def _resample(wav: bytes, tempo: float) -> Waveform:
    """Return the WAV of espeak-ng at our sample rate, *tempo* times as fast."""
    if len(wav) <= WAV_HEADER_BYTES:
        raise BadInputError("the text has no words that can be spoken")
    filters = () if abs(tempo - 1) < 0.01 else ("-af", f"atempo={tempo:.3f}")
    arguments = (*filters, "-ac", "1", "-ar", str(RATE), "-f", "s16le")
    return from_pcm(await convert(wav, arguments), RATE)
