"""Recordings read from ffmpeg in blocks, so that memory does not grow with their length."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.ffmpeg import FFMPEG, unreadable_error, upload_arguments
from synapse_engines.audio.subprocesses import MAX_MESSAGE, CommandResult, run
from synapse_engines.errors import FailedError, TooLargeError
from synapse_engines.web.work_queue import CancelEvent

Frames = NDArray[np.float32]
"""Samples of all channels, of shape (samples, channels), between -1 and 1."""
MAX_CHANNELS = 2
"""Channels of a stream; a recording with more is mixed down."""


@dataclass(frozen=True)
class Source:
    """Uploaded recording and the form in which it is read."""

    path: Path
    rate: int
    channels: int
    max_seconds: int


async def count_channels(path: Path, max_seconds: int) -> int:
    """Return the number of channels, at most MAX_CHANNELS. Raises BadInputError, and TooLargeError at once.

    The header of a file may say nothing or a wrong length; `read_blocks` counts.
    """
    entries = "stream=channels:format=duration"
    result = await run(("ffprobe", "-v", "error", "-of", "flat", "-show_entries", entries, *_probe_input(path)))
    values = dict(line.split("=", 1) for line in result.output.decode(errors="replace").splitlines() if "=" in line)
    counts = [int(value) for name, value in values.items() if name.endswith(".channels") and value.isdigit()]
    if not counts:
        raise unreadable_error(result)
    if _seconds(values.get("format.duration", "")) > max_seconds + 1:
        raise TooLargeError(f"the recording is longer than {max_seconds} s")
    return min(counts[0], MAX_CHANNELS)


def _probe_input(path: Path) -> Sequence[str]:
    return [argument for argument in upload_arguments(path) if argument not in {"-vn", "-sn", "-dn"}]


def _seconds(text: str) -> float:
    try:
        return float(text.strip('"'))
    except ValueError:
        return 0.0


def read_blocks(source: Source, size: int, cancel: CancelEvent) -> Iterator[Frames]:
    """Yield blocks of *size* samples, the last one shorter; none after a cancellation.

    Raises BadInputError for a file that is not a recording, TooLargeError for one that is too long.
    """
    left = source.max_seconds * source.rate
    with TemporaryFile() as errors, _ffmpeg(source, errors) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        count = 0
        while not cancel.is_set() and (data := process.stdout.read(size * source.channels * 4)):
            block = np.frombuffer(data[: len(data) // (source.channels * 4) * source.channels * 4], "<f4")
            count += len(block) // source.channels
            if count > left:
                raise TooLargeError(f"the recording is longer than {source.max_seconds} s")
            yield block.reshape(-1, source.channels)
        if not count and not cancel.is_set():
            raise unreadable_error(_result(process, errors))


@contextmanager
def _ffmpeg(source: Source, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Start ffmpeg, and kill it at the end of the context. Its messages go to a file: a pipe would fill up."""
    path = shutil.which(FFMPEG[0])
    if path is None:
        raise FailedError("ffmpeg is not installed: install the Debian package of that name")
    output = ("-ac", str(source.channels), "-ar", str(source.rate), "-f", "f32le", "pipe:1")
    limit = ("-t", str(source.max_seconds + 1))
    command = (path, *FFMPEG[1:], *upload_arguments(source.path), *limit, *output)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            yield process
        finally:
            process.kill()


def _result(process: subprocess.Popen[bytes], errors: IO[bytes]) -> CommandResult:
    code = process.wait()
    errors.seek(0)
    return CommandResult(b"", code, errors.read().decode(errors="replace").strip()[-MAX_MESSAGE:])
