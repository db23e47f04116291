"""Uploaded recordings, decoded into a file and read from there, so that an hour does not fill the memory."""

from pathlib import Path

import numpy as np

from synapse_engines.audio.ffmpeg import FFMPEG, unreadable_error, upload_arguments
from synapse_engines.audio.subprocesses import run
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import TooLargeError
from synapse_engines.speakers.diarizer import RATE


async def read_recording(path: Path, max_seconds: int) -> Waveform:
    """Decode the upload *path* to one channel at RATE; its samples are in a file beside it, mapped into memory.

    Raises BadInputError for a file that is not a recording, TooLargeError for one longer than *max_seconds*.
    """
    target = path.with_suffix(".f32")
    output = ("-ac", "1", "-ar", str(RATE), "-f", "f32le", f"file:{target}")
    result = await run((*FFMPEG, *upload_arguments(path), "-t", str(max_seconds + 1), *output))
    if not target.is_file() or not target.stat().st_size:
        raise unreadable_error(result)
    waveform = Waveform(np.asarray(np.memmap(target, np.float32, "r")), RATE)
    if waveform.seconds > max_seconds:
        raise TooLargeError(f"the recording is longer than {max_seconds} s")
    return waveform
