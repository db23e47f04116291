"""Decoding, conversion and resampling with ffmpeg, which may open only local files of known formats.

Playlist formats are refused: a playlist may name other files and addresses.
"""

from collections.abc import Sequence
from pathlib import Path

from synapse_engines.audio.subprocesses import CommandResult, run
from synapse_engines.audio.waveform import Waveform, from_pcm
from synapse_engines.errors import BadInputError, TooLargeError

DEMUXERS = "wav,w64,aiff,au,flac,mp3,ogg,mov,matroska,aac,ac3,amr,caf,asf,avi,mpeg,mpegts"
"""Allowed demuxers (https://ffmpeg.org/ffmpeg-formats.html); none of them refers to other files."""
FFMPEG = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1")


def upload_arguments(path: Path) -> tuple[str, ...]:
    """Return the arguments that open an upload as input."""
    return (
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        DEMUXERS,
        "-i",
        f"file:{path}",
        "-vn",
        "-sn",
        "-dn",
    )


async def decode(path: Path, rate: int, max_seconds: int, filters: Sequence[str] = ()) -> Waveform:
    """Decode the file *path* to one channel at *rate* Hz.

    Raises BadInputError for a file that is not a recording, TooLargeError for one longer than *max_seconds*.
    """
    limit = ("-t", str(max_seconds + 1))
    result = await run(
        (*FFMPEG, *upload_arguments(path), *limit, *filters, "-ac", "1", "-ar", str(rate), "-f", "s16le", "pipe:1")
    )
    waveform = from_pcm(result.output, rate)
    if not len(waveform.samples):
        raise unreadable_error(result)
    if waveform.seconds > max_seconds:
        raise TooLargeError(f"the recording is longer than {max_seconds} s")
    return waveform


async def convert(data: bytes, arguments: Sequence[str]) -> bytes:
    """Convert trusted *data* with the output *arguments*; uploads go through `decode`."""
    result = await run((*FFMPEG[:1], *FFMPEG[2:], "-i", "pipe:0", *arguments, "pipe:1"), data)
    if result.code:
        raise unreadable_error(result)
    return result.output


async def resample(waveform: Waveform, rate: int) -> Waveform:
    """Return *waveform* at *rate* Hz."""
    return from_pcm(await convert(waveform.wav(), ("-ac", "1", "-ar", str(rate), "-f", "s16le")), rate)


def unreadable_error(result: CommandResult) -> BadInputError:
    """Return the error for a file that is not a recording, an empty one included."""
    reason = result.message.rpartition(": ")[2] if result.message else "no sound in it"
    return BadInputError(f"the file cannot be read as a recording: {reason}")
