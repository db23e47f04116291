"""An image registry over plain HTTP, at the same `127.0.0.1:PORT` for a cluster's node and this machine."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tools.cluster import Cluster
from tools.cluster.record import load
from tools.offline.toolchain import tool

DEADLINE_S = 200.0
POLL_S = 0.02


@contextmanager
def running(cluster: Cluster) -> Iterator[str]:
    """Run a registry; yield its host and port. Its content goes with it.

    It runs in the node's network, and also serves a socket of this machine's network.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        enter = [shutil.which("nsenter") or "nsenter", "--net", f"--target={first(cluster)}", "--"]
        served = [address, f"fd:{listener.fileno()}"]
        command = [*enter, str(tool("image-registry")), *served]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
        try:
            wait(process, listener.getsockname()[1])
            yield address
        finally:
            process.terminate()
            process.wait()


def first(cluster: Cluster) -> int:
    """Return the pid of the node's process 1 on this machine."""
    record = load(cluster.folder)
    assert record
    assert record.node
    (process,) = psutil.Process(record.node.pid).children()
    return process.pid


def inside(cluster: Cluster, matches: Callable[[psutil.Process], bool]) -> psutil.Process:
    """Return the process of the cluster's node that *matches*; short-lived ones may end meanwhile."""
    for process in psutil.Process(first(cluster)).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if matches(process):
                return process
    raise AssertionError("the node has no such process")


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the registry listens in the node's network."""
    deadline = time.monotonic() + DEADLINE_S
    table = Path(f"/proc/{process.pid}/net/tcp")
    while f"0100007F:{port:04X} 00000000:0000 0A" not in table.read_text():
        assert process.poll() is None, "the registry has ended"
        assert time.monotonic() < deadline, "the registry does not listen"
        time.sleep(POLL_S)
