"""A sound at another rate."""

from synapse_engines.audio.ffmpeg import change
from synapse_engines.audio.sound import Sound, of_pcm


async def resampled(sound: Sound, rate: int) -> Sound:
    return of_pcm(await change(sound.wav(), ("-ac", "1", "-ar", str(rate), "-f", "s16le")), rate)
