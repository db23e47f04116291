"""The formats that a recording can be converted to."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A media type, and the arguments with which ffmpeg writes it."""

    media: str
    arguments: tuple[str, ...]


FORMATS: Mapping[str, Format] = {
    "wav": Format("audio/wav", ("-c:a", "pcm_s16le", "-f", "wav")),
    "mp3": Format("audio/mpeg", ("-c:a", "libmp3lame", "-f", "mp3")),
    "flac": Format("audio/flac", ("-c:a", "flac", "-f", "flac")),
    "ogg": Format("audio/ogg", ("-c:a", "libvorbis", "-f", "ogg")),
}
