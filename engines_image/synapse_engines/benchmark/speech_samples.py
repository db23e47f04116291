"""Texts and voices of the benchmark; the voices are different from those of the voiceprint training."""

from random import Random

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.synthesis.espeak import EspeakVoice, synthesize

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOICES = {
    "m1": EspeakVoice("m1", 45),
    "m3": EspeakVoice("m3"),
    "m5": EspeakVoice("m5", 60),
    "m7": EspeakVoice("m7", 40),
    "f1": EspeakVoice("f1"),
    "f2": EspeakVoice("f2", 60),
    "f4": EspeakVoice("f4", 45),
    "f5": EspeakVoice("f5", 55),
}
SENTENCES = (
    "we walked along the river until it was dark",
    "please call me back in the morning",
    "she sells flowers near the old station",
    "nobody knew why the lights went out",
    "my brother plays the violin better than i do",
    "a small boat came slowly into the harbour",
)
RATE = 16_000


def digit_strings(count: int, length: int = 4) -> list[str]:
    """Return *count* spoken numbers, the same ones in each run."""
    random = Random(11)  # noqa: S311 - nothing secret
    return [" ".join(random.choice(DIGITS) for _ in range(length)) for _ in range(count)]


async def speak(text: str, voice: EspeakVoice, speed: float = 1.0) -> Waveform:
    """Return *text* as speech at the sample rate of the recognizers."""
    return await resample(await synthesize(text, voice, speed), RATE)
