"""Processes that outlive the command that started them, identified also after their pid is reused."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.errors import ControlPlaneError

END_S = 10.0
POLL_S = 0.02
TAIL_LINES = 15
TICK_S = 0.02  # twice the resolution of a start time in the kernel
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SHELL = "/bin/sh"


@dataclass(frozen=True)
class Process:
    """One process: its pid and its start time, which no later process with that pid shares."""

    pid: int
    started: float  # seconds after the boot: independent of changes of the clock
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the process that has this pid now. Raises psutil.NoSuchProcess."""
        return cls(pid, _started(psutil.Process(pid)), _boot())

    def wall_clock(self) -> float:
        """Return the start time in seconds since 1970, by the current setting of the clock."""
        return psutil.boot_time() + self.started

    def is_running(self) -> bool:
        return self._process() is not None

    def end(self) -> None:
        """Kill the process and wait until it is gone; another process with a reused pid is left alone.

        SIGKILL is safe: etcd's log is on disk, and nothing else keeps state. Raises ControlPlaneError where the process
        does not end.
        """
        deadline = time.monotonic() + END_S
        while process := self._process():
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"process {self.pid} was killed and still runs after {END_S:.0f} s")
            process.kill()
            time.sleep(POLL_S)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            is_ours = self.boot == _boot() and abs(_started(process) - self.started) <= TICK_S
            return process if is_ours and not _is_over(process) else None
        except psutil.Error:
            return None


def running_in(folder: Path) -> Iterator[tuple[Process, str]]:
    """Yield the processes that `spawn` started in the folder, with the name of the program that each runs."""
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and not _is_over(process):
                yield Process.of(process.pid), Path(process.cmdline()[0]).name
        except (psutil.Error, IndexError):
            continue


def _is_over(process: psutil.Process) -> bool:
    """Return whether only the exit code is left; while one thread runs, ports and files are still in use."""
    if process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1:
        return False
    with suppress(psutil.TimeoutExpired):
        process.wait(0)  # reap it, if it is our child
    return True


def _started(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def _boot() -> str:
    """Return the id of this boot of the machine; empty where the system has none."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def spawn(command: list[str], home: Path, log: Path, remember: Callable[[Process], None]) -> None:
    """Start a program in a new session, in the folder `home`; its output goes to `log`.

    The log of the previous start is kept beside it. The program runs only after `remember` has returned, so that a
    caller that is killed leaves no unrecorded process. Its environment has only PATH and HOME.
    """
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))
    gate, opener = os.pipe()
    try:
        remember(Process.of(_waiting(command, home, log, gate)))
        os.write(opener, b"\n")
    finally:
        os.close(gate)
        os.close(opener)


def _waiting(command: list[str], home: Path, log: Path, gate: int) -> int:
    """Start a shell that becomes the program at the first line from `gate`, or ends at its end; return its pid."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        SHELL,
        [SHELL, "-c", 'read -r line && cd "$HOME" && exec "$@" < /dev/null', SHELL, *command],
        {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, gate, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def tail(log: Path) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
