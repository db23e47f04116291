"""A real llama-server as a subprocess, with the arguments that the catalog gives its pod."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.catalog.cpu import MODELS, on_cpu
from infra.catalog.kinds import CATALOG
from tests.llama_image.program import llama_server
from tests.ports import reserved_port
from tests.server_process import ServerClient, ServerProcess


class LlamaProcess(ServerProcess):
    """Process that serves *kind* at *url*, and the processes that a router starts."""

    def peak_memory(self) -> int:
        """Return the sum of the largest resident memory of the server and of the servers that it started, in bytes."""
        return sum(_peak(pid) for pid in (self.popen.pid, *_children(self.popen.pid)))


@dataclass(frozen=True)
class LlamaClient(ServerClient):
    """HTTP client of one test for a process."""

    process: LlamaProcess


def arguments(kind: str, models: Path, port: int) -> list[str]:
    """Return the arguments of the pod, with the folder and the address of a test."""
    words = [word.replace(MODELS, str(models)) for word in on_cpu(CATALOG[kind]).arguments]
    for flag, value in (("--host", "127.0.0.1"), ("--port", str(port))):
        words[words.index(flag) + 1] = value
    return words


def launch(kind: str, models: Path, folder: Path, environment: Mapping[str, str] | None = None) -> LlamaProcess:
    """Start the server with *folder* as its home, and wait until it is ready."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "LLAMA_ARG_THREADS": "1", **(environment or {})}
    program = llama_server()
    with reserved_port() as port:
        command = [str(program), *arguments(kind, models, port)]
        with (folder / "log").open("wb") as log:
            popen = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT)
        process = LlamaProcess(kind, f"http://127.0.0.1:{port}", popen)
        process.wait_until_ready(folder / "log")
    return process


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
