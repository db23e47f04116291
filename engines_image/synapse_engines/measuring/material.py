"""What is said in measurements. The voices are none of those that the speakers' engine was trained with."""

from random import Random

from synapse_engines.audio.resampling import resampled
from synapse_engines.audio.sound import Sound
from synapse_engines.hearing.grammars import DIGITS
from synapse_engines.voice.espeak import Voice, say

VOICES = {
    "m1": Voice("m1", 45),
    "m3": Voice("m3"),
    "m5": Voice("m5", 60),
    "m7": Voice("m7", 40),
    "f1": Voice("f1"),
    "f2": Voice("f2", 60),
    "f4": Voice("f4", 45),
    "f5": Voice("f5", 55),
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


def digits(count: int, length: int = 4) -> list[str]:
    """The same numbers each time."""
    chosen = Random(11)  # noqa: S311 - nothing secret
    return [" ".join(chosen.choice(DIGITS) for _ in range(length)) for _ in range(count)]


async def said(text: str, voice: Voice, speed: float = 1.0) -> Sound:
    return await resampled(await say(text, voice, speed), RATE)
