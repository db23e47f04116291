"""ffmpeg, kept from what an upload could ask of it: it opens files alone, and recordings alone among them.

A playlist may name other files and addresses, so playlists are no recordings here.
"""

from collections.abc import Sequence
from pathlib import Path

from synapse_engines.audio.programs import Done, run
from synapse_engines.audio.sound import Sound, of_pcm
from synapse_engines.errors import BadInputError, TooLargeError

FORMATS = "wav,w64,aiff,au,flac,mp3,ogg,mov,matroska,aac,ac3,amr,caf,asf,avi,mpeg,mpegts"
"""The demuxers that may be used: https://ffmpeg.org/ffmpeg-formats.html; none of them refers to other files."""
QUIET = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1")


def reading(path: Path) -> tuple[str, ...]:
    """The arguments that open an upload."""
    return ("-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS, "-i", f"file:{path}", "-vn", "-sn", "-dn")


async def decode(path: Path, rate: int, most_seconds: int, filters: Sequence[str] = ()) -> Sound:
    """The sound of the file *path* at *rate* Hz, mixed to one channel.

    Raises BadInputError for what is no recording, TooLargeError for one of more than *most_seconds*.
    """
    longest = ("-t", str(most_seconds + 1))
    done = await run(
        (*QUIET, *reading(path), *longest, *filters, "-ac", "1", "-ar", str(rate), "-f", "s16le", "pipe:1")
    )
    sound = of_pcm(done.output, rate)
    if not len(sound.samples):
        raise unreadable(done)
    if sound.seconds > most_seconds:
        raise TooLargeError(f"the recording is longer than {most_seconds} s")
    return sound


async def change(data: bytes, arguments: Sequence[str]) -> bytes:
    """Our own *data*, by way of ffmpeg."""
    done = await run((*QUIET[:1], *QUIET[2:], "-i", "pipe:0", *arguments, "pipe:1"), data)
    if done.code:
        raise unreadable(done)
    return done.output


def unreadable(done: Done) -> BadInputError:
    """What is no recording: also an empty file."""
    reason = done.words.rpartition(": ")[2] if done.words else "no sound in it"
    return BadInputError(f"the file cannot be read as a recording: {reason}")
