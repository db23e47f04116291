"""Commands run without a shell, and killed when the caller is cancelled."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_engines.errors import FailedError

MAX_MESSAGE = 300
"""Characters kept of the standard error output, from its end."""


@dataclass(frozen=True)
class CommandResult:
    """Standard *output*, exit *code* and the end of the standard error output of a command."""

    output: bytes
    code: int
    message: str


async def run(arguments: Sequence[str], data: bytes = b"") -> CommandResult:
    """Run a command with *data* as standard input; kill it on cancellation. Raises FailedError if it is missing."""
    path = shutil.which(arguments[0])
    if path is None:
        raise FailedError(f"{arguments[0]} is not installed: install the Debian package of that name")
    process = await asyncio.create_subprocess_exec(
        path, *arguments[1:], stdin=PIPE if data else DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        output, errors = await process.communicate(data or None)
    finally:
        await kill(process)
    return CommandResult(output, process.returncode or 0, errors.decode(errors="replace").strip()[-MAX_MESSAGE:])


async def kill(process: Process) -> None:
    """Kill a process that still runs, and wait for its end.

    Its output is read, because asyncio's `wait()` does not return while there is some left.
    """
    if process.returncode is None:
        process.kill()
        await process.communicate()
