"""Audio formats that are written: OpenAI's six speech formats and the four of conversions."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AudioFormat:
    """Media type, and the *arguments* of ffmpeg that write it; without arguments ffmpeg is not used."""

    media_type: str
    arguments: tuple[str, ...] = ()


SPEECH_FORMATS: Mapping[str, AudioFormat] = {
    "wav": AudioFormat("audio/wav"),
    "pcm": AudioFormat("audio/pcm"),
    "mp3": AudioFormat("audio/mpeg", ("-c:a", "libmp3lame", "-f", "mp3")),
    "opus": AudioFormat("audio/ogg", ("-c:a", "libopus", "-page_duration", "200000", "-f", "ogg")),
    "aac": AudioFormat("audio/aac", ("-c:a", "aac", "-f", "adts")),
    "flac": AudioFormat("audio/flac", ("-c:a", "flac", "-f", "flac")),
}
"""`response_format` of OpenAI's speech API -> format."""
CONVERSION_FORMATS: Mapping[str, AudioFormat] = {
    "wav": AudioFormat("audio/wav", ("-c:a", "pcm_s16le", "-f", "wav")),
    "mp3": SPEECH_FORMATS["mp3"],
    "flac": SPEECH_FORMATS["flac"],
    "ogg": AudioFormat("audio/ogg", ("-c:a", "libvorbis", "-f", "ogg")),
}
"""`output_format` of deepfilter-audio -> format."""
