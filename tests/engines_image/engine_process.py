"""Engines as subprocesses on free loopback ports."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.ports import reserved_port
from tests.server_process import ServerProcess


def launch(
    kind: str, folder: Path, environment: Mapping[str, str], python: Path = Path(sys.executable)
) -> ServerProcess:
    """Start an engine with *folder* as its temporary folder, and wait until it is ready."""
    variables = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment}
    with reserved_port() as port:
        command = [str(python), "-m", "synapse_engines", kind, "--host", "127.0.0.1", "--port", str(port)]
        process = ServerProcess(kind, f"http://127.0.0.1:{port}", subprocess.Popen(command, env=variables))
        process.wait_until_ready()
    return process
