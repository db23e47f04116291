"""Programs of the image, run without a shell and ended with whoever waits for them."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_engines.errors import FailedError

LAST_WORDS = 300


@dataclass(frozen=True)
class Done:
    """How a program ended: its *output*, its exit *code*, and the last it said."""

    output: bytes
    code: int
    words: str


async def run(arguments: Sequence[str], data: bytes = b"") -> Done:
    """Run *arguments* with *data* as input; cancelled, it is killed. Raises FailedError where it is missing."""
    path = shutil.which(arguments[0])
    if path is None:
        raise FailedError(f"{arguments[0]} is not installed: install the Debian package of that name")
    process = await asyncio.create_subprocess_exec(
        path, *arguments[1:], stdin=PIPE if data else DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        output, errors = await process.communicate(data or None)
    finally:
        await _end(process)
    return Done(output, process.returncode or 0, errors.decode(errors="replace").strip()[-LAST_WORDS:])


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
