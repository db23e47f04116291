"""A registry that a cluster's node and this machine know by one name, `127.0.0.1:PORT`, over plain HTTP."""

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

DEADLINE_S = 20.0
POLL_S = 0.02


@contextmanager
def running(cluster: Cluster) -> Iterator[str]:
    """Its host and port; what it holds is gone with it.

    It runs in the node's network, and serves a socket of this machine's network too.
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
    """The process 1 of the cluster's node, as this machine numbers it."""
    known = load(cluster.folder)
    assert known
    assert known.node
    (found,) = psutil.Process(known.node.pid).children()
    return found.pid


def inside(cluster: Cluster, is_it: Callable[[psutil.Process], bool]) -> psutil.Process:
    """The process of the cluster's node that *is_it*. Others, such as of iptables, end while they are looked at."""
    for process in psutil.Process(first(cluster)).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if is_it(process):
                return process
    raise AssertionError("the node has no such process")


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens in the node's network."""
    deadline = time.monotonic() + DEADLINE_S
    table = Path(f"/proc/{process.pid}/net/tcp")
    while f"0100007F:{port:04X} 00000000:0000 0A" not in table.read_text():
        assert process.poll() is None, "the registry has ended"
        assert time.monotonic() < deadline, "the registry does not listen"
        time.sleep(POLL_S)
