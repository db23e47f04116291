"""The world outside a cluster: a public address, which the node takes for its own and this process serves."""

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
from tests.cluster.stage import PUBLIC
from tools.cluster import Cluster
from tools.cluster.packages import programs

CLONE_NEWNET = 0x40000000
"""Of Linux' sched.h."""


@contextmanager
def listening(cluster: Cluster) -> Iterator[socket.socket]:
    """A socket at PUBLIC, the port of HTTPS, as the pods of *cluster* see it."""
    node = first(cluster)
    _address(node, "add")
    try:
        with _socket(node) as listener:
            yield listener
    finally:
        _address(node, "del")


def _address(node: int, verb: str) -> None:
    enter = [shutil.which("nsenter") or "nsenter", "--net", f"--target={node}", "--"]
    ip = [str(programs().program("busybox")), "ip", "addr", verb, f"{PUBLIC}/32", "dev", "lo"]
    subprocess.run([*enter, *ip], check=True)


def _socket(node: int) -> socket.socket:
    """It belongs to the network of the thread that makes it, whoever serves it afterwards."""
    with ThreadPoolExecutor(1) as pool:  # this thread alone changes over, and ends
        return pool.submit(_made, node).result()


def _made(node: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{node}/ns/net").open() as network:
        if libc.setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return socket.create_server((PUBLIC, HTTPS))
