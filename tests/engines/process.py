"""Engines as processes of their own, on free ports of loopback."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.ports import reserved_port

READY_S = 120
END_S = 15


@dataclass(frozen=True)
class Process:
    """A process that serves *kind* at *url*."""

    kind: str
    url: str
    popen: subprocess.Popen[bytes]

    def end(self) -> int:
        """Tell it to end, as Kubernetes does; its exit code."""
        self.popen.terminate()
        return self.popen.wait(END_S)


@dataclass(frozen=True)
class Engine:
    """A process, and a client of one test for it."""

    process: Process
    http: httpx.AsyncClient


def launch(kind: str, folder: Path, environment: Mapping[str, str]) -> Process:
    """A process that is ready; *folder* is for what it writes."""
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment}
    with reserved_port() as port:
        command = [sys.executable, "-m", "synapse_engines", kind, "--host", "127.0.0.1", "--port", str(port)]
        found = Process(kind, f"http://127.0.0.1:{port}", subprocess.Popen(command, env=variables))
        _wait(found)
    return found


def _wait(found: Process) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and found.popen.poll() is None:
        try:
            assert httpx.get(f"{found.url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    found.popen.kill()
    raise AssertionError(f"{found.kind} is not ready; it ended with {found.popen.wait()}")
