"""The formats in which speech is answered: OpenAI's six."""

from collections.abc import Mapping
from dataclasses import dataclass

from synapse_engines.audio.ffmpeg import change
from synapse_engines.audio.sound import Sound


@dataclass(frozen=True)
class Encoding:
    """A media type, and the *arguments* with which ffmpeg writes it; none: it is written here."""

    media: str
    arguments: tuple[str, ...] = ()


ENCODINGS: Mapping[str, Encoding] = {
    "wav": Encoding("audio/wav"),
    "pcm": Encoding("audio/pcm"),
    "mp3": Encoding("audio/mpeg", ("-c:a", "libmp3lame", "-f", "mp3")),
    "opus": Encoding("audio/ogg", ("-c:a", "libopus", "-f", "ogg")),
    "aac": Encoding("audio/aac", ("-c:a", "aac", "-f", "adts")),
    "flac": Encoding("audio/flac", ("-c:a", "flac", "-f", "flac")),
}


async def encode(sound: Sound, name: str) -> tuple[bytes, str]:
    """*sound* as the format *name*, and its media type."""
    encoding = ENCODINGS[name]
    if name == "pcm":
        return sound.pcm(), encoding.media
    data = sound.wav()
    return (await change(data, encoding.arguments) if encoding.arguments else data), encoding.media
