"""A program that is measured: pinned to its cores, watched from outside, and ended however the measurement ends."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.control_plane.processes import tail
from tools.errors import ToolchainError, ToolsError

START_S = 120.0
ASK_S = 10.0
END_S = 10.0
PAUSE_S = 0.002
MIB = 2**20
NS = 1e9


@dataclass(frozen=True, kw_only=True)
class RunningProcess:
    """A program under way, with all processes that it started."""

    port: int
    pid: int
    cold_s: float  # from its start to its first answer

    @property
    def processes(self) -> list[psutil.Process]:
        return _family(self.pid)

    def cpu_s(self) -> float:
        """What all its threads had, as exact as the scheduler counts."""
        return sum(_thread_s(path) for one in self.processes for path in Path(f"/proc/{one.pid}/task").iterdir())

    def rss_mib(self) -> float:
        """Of its largest process."""
        return max(one.memory_info().rss for one in self.processes) / MIB

    def descriptors(self) -> int:
        return sum(one.num_fds() for one in self.processes)


def _thread_s(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text(encoding="ascii").split()[0]) / NS
    except FileNotFoundError:  # it ended
        return 0.0


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """A request by which a program shows that it serves; without a body it is a GET."""

    path: str
    body: str | None = None
    headers: Mapping[str, str]


@contextmanager
def running(
    command: Sequence[str], cores: Sequence[int], port: int, log: Path, question: ProbeRequest
) -> Iterator[RunningProcess]:
    """Start a program that listens on *port* of the loopback, wait for its first answer, and end it afterwards.

    Raises ToolsError, with the end of its *log*, where it ends or does not answer within 2 min.
    """
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_pinned(cores), *command],
            cwd=log.parent,
            env=_environment(log.parent),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(process, port, question, log)
        yield RunningProcess(port=port, pid=process.pid, cold_s=time.monotonic() - started)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill it with all that it started, and wait until they are gone: nothing is kept, nothing needs a softer end."""
    family = _family(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, END_S)


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that it started; nothing where it ended."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def pinned(cores: Sequence[int]) -> list[str]:
    """What goes before a command that is to run on *cores* only. Raises ToolchainError."""
    return [_program("taskset"), "--cpu-list", ",".join(map(str, cores))]


def _pinned(cores: Sequence[int]) -> list[str]:
    return [_program("setpriv"), "--pdeathsig", "KILL", *pinned(cores)]  # it must not outlive us, even if we are killed


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise ToolchainError(f"{name}: not on PATH; install the Debian package util-linux: apt-get install util-linux")


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but where programs are; what a program leaves behind when it is killed goes with *folder*."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder)}


def _await(process: "subprocess.Popen[bytes]", port: int, question: ProbeRequest, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(port, question):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ToolsError(f"{log.stem} did not come up to be measured; it said:\n{tail(log)}")
        time.sleep(PAUSE_S)


def _answers(port: int, question: ProbeRequest) -> bool:
    try:
        return ask(port, question)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def ask(port: int, question: ProbeRequest) -> tuple[int, bytes]:
    """Status and body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ASK_S)
    try:
        method = "GET" if question.body is None else "POST"
        connection.request(method, question.path, question.body, dict(question.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
