"""Child processes of a plugin, ended with it."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import killpg
from threading import Lock
from typing import IO, Final

NOTHING: Final = subprocess.DEVNULL


class ChildProcesses:
    """Running child processes; each leads its own process group, which is ended as a whole."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    @contextmanager
    def started(  # noqa: PLR0913 (the settings of a process that are needed)
        self,
        command: Sequence[str],
        *,
        cwd: str | None,
        env: Mapping[str, str],
        stdin: int | IO[bytes] = NOTHING,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process that is ended with the block."""
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
        with self._lock:
            self._running.add(child)
        try:
            yield child
        finally:
            kill(child)
            with self._lock:
                self._running.discard(child)

    def end(self) -> None:
        """Kill all of them."""
        with self._lock:
            running = list(self._running)
        for child in running:
            kill(child)


def kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child's process group, unless the child has ended."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            killpg(child.pid, signal.SIGKILL)
        child.wait()
