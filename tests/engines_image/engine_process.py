"""Engines as subprocesses on free loopback ports."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.ports import reserved_port

READY_S = 240
EXIT_S = 150


@dataclass(frozen=True)
class EngineProcess:
    """Process that serves *kind* at *url*."""

    kind: str
    url: str
    popen: subprocess.Popen[bytes]

    def terminate(self) -> int:
        """Send SIGTERM, as Kubernetes does, and return the exit code."""
        self.popen.terminate()
        return self.popen.wait(EXIT_S)


@dataclass(frozen=True)
class EngineClient:
    """HTTP client of one test for an engine process."""

    process: EngineProcess
    http: httpx.AsyncClient


def launch(
    kind: str, folder: Path, environment: Mapping[str, str], python: Path = Path(sys.executable)
) -> EngineProcess:
    """Start an engine with *folder* as its temporary folder, and wait until it is ready."""
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment}
    with reserved_port() as port:
        command = [str(python), "-m", "synapse_engines", kind, "--host", "127.0.0.1", "--port", str(port)]
        process = EngineProcess(kind, f"http://127.0.0.1:{port}", subprocess.Popen(command, env=variables))
        _wait_until_ready(process)
    return process


def _wait_until_ready(process: EngineProcess) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.popen.poll() is None:
        try:
            assert httpx.get(f"{process.url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    process.popen.kill()
    raise AssertionError(f"{process.kind} is not ready; exit code {process.popen.wait()}")
