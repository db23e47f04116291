"""Speech of Kokoro's voices; a test process synthesizes each sentence once."""

from functools import cache

from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.speech_samples import RATE, SENTENCES, VOICES, Speaker
from tests.engines_image.packaged_models import packaged_models

__all__ = ["RATE", "SENTENCES", "VOICES", "say", "speaker"]


@cache
def speaker() -> Speaker:
    return Speaker(packaged_models())


async def say(text: str = SENTENCES[0], voice: str = VOICES[0], rate: int = RATE) -> Waveform:
    """Return *text* in *voice*, at *rate* Hz."""
    return await speaker().say(text, voice, rate)
