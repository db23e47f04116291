"""The processes that a plugin has started, so that none of them outlives it."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import killpg
from threading import Lock
from typing import IO, Final

NOTHING: Final = subprocess.DEVNULL


class ChildProcesses:
    """Each child leads a process group of its own, which ends as a whole."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    @contextmanager
    def started(  # noqa: PLR0913 (as few of a process's settings as will do)
        self,
        command: Sequence[str],
        *,
        cwd: str | None,
        env: Mapping[str, str],
        stdin: int | IO[bytes] = NOTHING,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process, and make sure that it has ended when the block does."""
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
        """Kill them all."""
        with self._lock:
            running = list(self._running)
        for child in running:
            kill(child)


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it has started; one that has ended by itself is left alone."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            killpg(child.pid, signal.SIGKILL)
        child.wait()
