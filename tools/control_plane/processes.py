"""Processes that outlive the command that started them, told apart from strangers with a reused pid."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.errors import ControlPlaneError

END_S = 10.0
POLL_S = 0.02
TAIL_LINES = 15
TICK_S = 0.02  # how finely the kernel remembers a start, twice over
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SHELL = "/bin/sh"


@dataclass(frozen=True)
class Process:
    """One process: its pid, and when it started, which no later process with that pid shares."""

    pid: int
    started: float  # seconds after the boot, so that a clock that is set does not matter
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this pid now; raises psutil.NoSuchProcess."""
        return cls(pid, _started(psutil.Process(pid)), _boot())

    def wall_clock(self) -> float:
        """When it started, in seconds of the system's clock as that is set now."""
        return psutil.boot_time() + self.started

    def is_running(self) -> bool:
        return self._found() is not None

    def end(self) -> None:
        """Kill it and wait until it is gone; a process that is not ours any more is left alone.

        There is nothing to wait for in a softer end: etcd's log is on disk, and nothing else keeps state.
        Raises ControlPlaneError when the system does not let go of it.
        """
        deadline = time.monotonic() + END_S
        while found := self._found():
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"process {self.pid} was killed and is still there after {END_S:.0f} s")
            found.kill()
            time.sleep(POLL_S)

    def _found(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            is_ours = self.boot == _boot() and abs(_started(process) - self.started) <= TICK_S
            return process if is_ours and not _is_over(process) else None
        except psutil.Error:
            return None


def _is_over(process: psutil.Process) -> bool:
    """Whether only its exit code is left; while one thread runs, ports and files are still taken."""
    if process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1:
        return False
    with suppress(psutil.TimeoutExpired):
        process.wait(0)  # where it is our child, nobody else will
    return True


def _started(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def _boot() -> str:
    """Which boot of the machine this is; empty where the system does not say."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def spawn(command: list[str], home: Path, log: Path, remember: Callable[[Process], None]) -> None:
    """Start a program in a session of its own, in the folder `home`; its output goes to `log`.

    What the last start wrote there is kept beside it. The program runs only once `remember` has returned: whoever
    is killed before leaves no process that nobody knows of. It sees none of the caller's environment but PATH: what
    it is to know is on its command line.
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
    """The pid of a shell that becomes the program at the first line from `gate`, and ends if there is none."""
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
    """The last lines of a log, for an error message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
