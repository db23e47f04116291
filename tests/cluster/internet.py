"""An internet address outside the cluster: the node has it on loopback, and this process serves it.

It is another one than that of the tests of networks (`network_stage.PUBLIC`), whose pod keeps its own on the same node.
"""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from infra.plan.egress_rules import HTTPS
from tests.cluster.registry import first
from tools.cluster import Cluster
from tools.cluster.packages import programs

SERVED = "203.0.113.8"
CLONE_NEWNET = 0x40000000
"""From Linux' sched.h."""


@contextmanager
def listening(cluster: Cluster) -> Iterator[socket.socket]:
    """Yield a socket that listens at SERVED on the HTTPS port, in the network of *cluster*."""
    node = first(cluster)
    _address(node, "add")
    try:
        with _socket(node) as listener:
            yield listener
    finally:
        _address(node, "del")


def _address(node: int, verb: str) -> None:
    enter = [shutil.which("nsenter") or "nsenter", "--net", f"--target={node}", "--"]
    ip = [str(programs().program("busybox")), "ip", "addr", verb, f"{SERVED}/32", "dev", "lo"]
    subprocess.run([*enter, *ip], check=True)


def _socket(node: int) -> socket.socket:
    """Make a socket in the node's network; any thread can serve it afterwards."""
    with ThreadPoolExecutor(1) as pool:  # only this thread changes its network, and ends
        return pool.submit(_listen, node).result()


def _listen(node: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{node}/ns/net").open() as network:
        if libc.setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return socket.create_server((SERVED, HTTPS))
