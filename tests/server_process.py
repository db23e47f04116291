"""Servers of models as subprocesses on loopback: started, waited for, and ended as Kubernetes does."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_S = 600
EXIT_S = 150
REQUEST_S = 900
"""Limit of one request to a real model: some take half a minute on an idle core, and the machine may be busy."""
LINES = 3000
"""Characters of a log in an error message."""


@dataclass(frozen=True)
class ServerProcess:
    """Process that serves *kind* at *url*."""

    kind: str
    url: str
    popen: subprocess.Popen[bytes]

    def wait_until_ready(self, log: Path | None = None) -> None:
        """Wait until `/health` is 200; one that ends or takes too long is an error, with the end of its *log*."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self.popen.poll() is None:
            if self._is_ready():
                return
            time.sleep(0.1)
        self.popen.kill()
        text = log.read_text(errors="replace")[-LINES:] if log else ""
        raise AssertionError(f"{self.kind} is not ready; exit code {self.popen.wait()}\n{text}")

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=60).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def terminate(self) -> int:
        """Send SIGTERM, as Kubernetes does, and return the exit code."""
        self.popen.terminate()
        return self.popen.wait(EXIT_S)


@dataclass(frozen=True)
class ServerClient:
    """HTTP client of one test for a process."""

    process: ServerProcess
    http: httpx.AsyncClient
