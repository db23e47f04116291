"""The node as seen from the host: start, end, forwards and images."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tools.cluster import node_program
from tools.cluster.privileges import unshare
from tools.cluster.record import Forward
from tools.control_plane.credentials import LOOPBACK
from tools.control_plane.processes import Process, spawn, tail
from tools.errors import ClusterError
from tools.node import cgroups
from tools.node.layout import CONTROL
from tools.node.spec import NodeSpec

END_S: Final = 30.0
POLL_S: Final = 0.02
ANSWER_S: Final = 30.0
UNPACKED: Final = re.compile(r"\s([^\s@]+) \((sha256:[0-9a-f]{64})\)")  # a name that has a digest already is skipped
Ctr = tuple[str, ...]  # the distribution's command for images
LOG: Final = "logs/node.log"


def start(spec: NodeSpec, remember: Callable[[Process], None]) -> None:
    """Start process 1 of a node in new namespaces; it starts the components."""
    folder = Path(spec.folder)
    for name in ("logs", "volumes", "kubelet", "containerd"):
        (folder / name).mkdir(exist_ok=True)
    for name in ("status.json", CONTROL):  # left by the previous start
        (folder / name).unlink(missing_ok=True)
    spec.write(folder / "node.json")
    cgroups.make(spec.cgroup)
    node_program.install(folder)
    spawn([*unshare(), *node_program.supervisor(folder)], folder, folder / LOG, remember)


def end(process: Process | None, cgroup: str) -> None:
    """Kill a node and wait until all its processes are gone. Raises ClusterError."""
    if process and process.is_running():
        deadline = time.monotonic() + END_S
        for child in _children(process):
            child.kill()
        while process.is_running() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        process.end()
    cgroups.remove(cgroup)


@dataclass(frozen=True)
class RunningNode:
    """A node whose process 1 runs."""

    folder: Path
    process: Process

    def status(self) -> dict[str, dict[str, Any]]:
        """Return each component's pid (inside the node) and number of starts; empty while nothing runs yet."""
        try:
            components: dict[str, dict[str, Any]] = json.loads((self.folder / "status.json").read_text())
        except (FileNotFoundError, ValueError):  # not written yet, or cut off; the next change writes it anew
            return {}
        return components

    def forward(self, forwards: Iterable[Forward], listeners: Mapping[str, socket.socket]) -> None:
        """Serve these forwards, each on its listener or, where there is none, on the socket that it already has."""
        targets = json.dumps([{**asdict(item), "is_new": item.name in listeners} for item in forwards]).encode()
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_S)
                connection.connect(f"/proc/self/fd/{folder}/{CONTROL}")  # the folder's own path may be too long
                socket.send_fds(connection, [targets], [listener.fileno() for listener in listeners.values()])
                connection.recv(16)
        finally:
            os.close(folder)

    def import_image(self, archive: Path, ctr: Ctr, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Import the images of a docker-archive or an oci-archive into containerd, under their tags and their digests.

        Returns each as name:tag@sha256:... Raises ClusterError with containerd's message.
        """
        with archive.open("rb") as content:
            output = self._ctr(ctr, environment, "images", "import", "-", stdin=content)
        images = UNPACKED.findall(output)
        for name, digest in images:
            self._ctr(ctr, environment, "images", "tag", "--force", name, f"{name.rpartition(':')[0]}@{digest}")
        return tuple(f"{name}@{digest}" for name, digest in images)

    def images(self, ctr: Ctr, environment: Mapping[str, str]) -> frozenset[str]:
        """Return the names of the images in containerd. Raises ClusterError while it does not respond."""
        return frozenset(self._ctr(ctr, environment, "images", "ls", "-q").split())

    def _ctr(self, ctr: Ctr, environment: Mapping[str, str], *arguments: str, stdin: Any = None) -> str:  # noqa: ANN401
        enter = [shutil.which("nsenter") or "nsenter", "--mount", "--target", str(self._first().pid), "--"]
        done = subprocess.run(
            [*enter, *ctr, *arguments],
            stdin=stdin or subprocess.DEVNULL,
            env={**environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"containerd refused `{' '.join(arguments)}`: {done.stderr.strip()}")
        return done.stdout

    def _first(self) -> psutil.Process:
        for child in _children(self.process):
            return child
        raise ClusterError(f"the node has ended; its log is {self.folder / LOG}\n{tail(self.folder / LOG)}")


def listen(port: int) -> socket.socket:
    """Return a socket that listens on the host's loopback; port 0 is any free port. Raises OSError."""
    return socket.create_server((LOOPBACK, port), backlog=socket.SOMAXCONN)


def _children(process: Process) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []
