"""Start a measured program on its own cores, read its CPU and memory, and end it in every case."""

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
REQUEST_S = 10.0
END_S = 10.0
PAUSE_S = 0.002
MIB = 2**20
NS = 1e9


@dataclass(frozen=True, kw_only=True)
class RunningProcess:
    """A running program with all processes that it started."""

    port: int
    pid: int
    cold_s: float  # from its start to its first response

    @property
    def processes(self) -> list[psutil.Process]:
        return _family(self.pid)

    def cpu_s(self) -> float:
        """Return the CPU seconds of all threads, as exact as the scheduler counts."""
        return sum(_thread_s(path) for one in self.processes for path in Path(f"/proc/{one.pid}/task").iterdir())

    def rss_mib(self) -> float:
        """Return the memory of the largest process."""
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
    """A request that shows whether a program serves; without a body it is a GET."""

    path: str
    body: str | None = None
    headers: Mapping[str, str]


@contextmanager
def running(
    command: Sequence[str], cores: Sequence[int], port: int, log: Path, probe: ProbeRequest
) -> Iterator[RunningProcess]:
    """Start a program that listens on *port* of loopback, wait for its first response, and end it afterwards.

    Raises ToolsError, with the end of *log*, where it ends or does not respond within 2 min.
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
        _await(process, port, probe, log)
        yield RunningProcess(port=port, pid=process.pid, cold_s=time.monotonic() - started)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and all that it started, and wait until they are gone; none of them has state to save."""
    family = _family(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, END_S)


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and all that it started; an empty list where it has ended."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """Return a port of loopback that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def pinned(cores: Sequence[int]) -> list[str]:
    """Return the command prefix that restricts a command to *cores*. Raises ToolchainError."""
    return [_program("taskset"), "--cpu-list", ",".join(map(str, cores))]


def _pinned(cores: Sequence[int]) -> list[str]:
    return [
        _program("setpriv"),
        "--pdeathsig",
        "KILL",
        *pinned(cores),
    ]  # ended with this process, even if that is killed


def _program(name: str) -> str:
    if path := shutil.which(name):
        return path
    raise ToolchainError(f"{name}: not on PATH; install the Debian package util-linux: apt-get install util-linux")


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment with PATH alone; home and temporary files are in *folder*, which is removed later."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder)}


def _await(process: "subprocess.Popen[bytes]", port: int, probe: ProbeRequest, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _responds(port, probe):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ToolsError(f"{log.stem} did not start to serve; the end of its log:\n{tail(log)}")
        time.sleep(PAUSE_S)


def _responds(port: int, probe: ProbeRequest) -> bool:
    try:
        return send(port, probe)[0] == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def send(port: int, probe: ProbeRequest) -> tuple[int, bytes]:
    """Return status and body of one response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_S)
    try:
        method = "GET" if probe.body is None else "POST"
        connection.request(method, probe.path, probe.body, dict(probe.headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
