"""Run the program of a container as its pod would, without root, privileges, other writable folders or egress."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import psutil

from infra.settings.model import ROOT
from tests.upstream.container import Container, Mount
from tests.upstream.image import PATH, Image

ADDRESS: Final = "10.42.0.9"
NAMESPACES: Final = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child")
NEW_NETWORK: Final = 0x40000000
START_S: Final = 300.0
POLL_S: Final = 0.05
OK: Final = range(200, 400)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Running:
    """A started container; *inside* is a thread in the network of its pod."""

    container: Container
    process: subprocess.Popen[bytes]
    folder: Path
    inside: ThreadPoolExecutor
    client: httpx.Client

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def volume(self, path: str) -> Path:
        """Return the folder on this machine that the container sees at *path*."""
        return self.folder / "volumes" / path.strip("/").replace("/", "-")

    def call(self, function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """Call *function* in the network of the pod."""
        return self.inside.submit(function, *arguments, **named).result()

    def get(self, path: str, **named: Any) -> httpx.Response:
        return self.call(self.client.get, path, **named)

    def post(self, path: str, **named: Any) -> httpx.Response:
        return self.call(self.client.post, path, **named)

    def wait_until_ready(self, deadline_s: float = START_S) -> None:
        """Wait until the readiness probe answers, as the kubelet asks. Raises AssertionError where it never does."""
        end = time.monotonic() + deadline_s
        while not self.is_ready():
            assert self.process.poll() is None, f"{self.container.name} ended:\n{self.log}"
            assert time.monotonic() < end, f"{self.container.name} is not ready after {deadline_s:.0f} s:\n{self.log}"
            time.sleep(POLL_S)

    def is_ready(self) -> bool:
        """Return what the kubelet would see: a status below 400, or an open port, at the pod's address."""
        probe = self.container.readiness
        try:
            if "httpGet" in probe:
                return self.get(probe["httpGet"]["path"]).status_code in OK
            self.call(socket.create_connection, (ADDRESS, self.container.port)).close()
        except (httpx.TransportError, OSError):
            return False
        return True

    def wait(self, deadline_s: float = START_S) -> int:
        """Return the exit code of a program that ends by itself."""
        return self.process.wait(deadline_s)

    def stop(self) -> int:
        """Ask the program to end, as the kubelet does; return its exit code. Raises where the grace period passes."""
        (first,) = psutil.Process(self.process.pid).children()
        first.send_signal(signal.SIGTERM)
        return self.process.wait(self.container.grace_s)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the cluster gives beside the pod: files such as an account's token, and names of other pods."""

    files: Mapping[str, Path] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)  # name -> address
    environment: Mapping[str, str] = field(default_factory=dict)


ALONE: Final = Surroundings()


@contextmanager
def started(container: Container, image: Image, folder: Path, surroundings: Surroundings = ALONE) -> Iterator[Running]:
    """Start the container with its files in the empty *folder*; at the end all its processes end too."""
    spec = folder / "stage.json"
    (folder / "root").mkdir()
    spec.write_text(json.dumps(stage(container, image, folder, surroundings)), encoding="utf-8")
    reading, writing = os.pipe()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*prefix(), sys.executable, "-m", "tests.upstream.stage", str(spec), str(writing)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
        )
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            assert pipe.read(1), f"the container was not set up:\n{(folder / 'log').read_text()}"
        with network(process.pid) as inside, httpx.Client(base_url=url(container), timeout=START_S) as client:
            yield Running(container, process, folder, inside, client)
    finally:
        process.kill()
        process.wait()


def url(container: Container) -> str:
    return f"http://{ADDRESS}:{container.port or 80}"


def prefix() -> list[str]:
    """Return the command that starts another in new namespaces, which end with the tests' own process."""
    return [_program("setpriv"), "--pdeathsig", "KILL", _program("unshare"), *NAMESPACES]


def _program(name: str) -> str:
    return shutil.which(name) or name


@contextmanager
def network(pid: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a thread in the network of the process *pid*."""

    def enter() -> None:
        with Path(f"/proc/{pid}/ns/net").open("rb") as handle:
            if ctypes.CDLL(None).setns(handle.fileno(), NEW_NETWORK):
                raise OSError(f"the network of process {pid} cannot be entered")

    with ThreadPoolExecutor(1, thread_name_prefix="pod", initializer=enter) as inside:
        yield inside


def stage(container: Container, image: Image, folder: Path, surroundings: Surroundings) -> dict[str, Any]:
    """Return the description that `tests.upstream.stage` reads."""
    command = container.command or image.entrypoint
    own = () if container.command else image.command
    groups = {container.group, *([container.volume_group] if container.volume_group is not None else [])}
    return {
        "root": str(folder / "root"),
        "files": {path: str(source) for path, source in {**image.files, **surroundings.files}.items()},
        "links": dict(image.links),
        "texts": texts(container, surroundings),
        "mounts": {each.path: (str(volume(each, container, folder)), each.read_only) for each in container.mounts},
        "user": container.user,
        "group": container.group,
        "groups": sorted(groups),
        "address": ADDRESS,
        "working_folder": image.working_folder,
        "command": [*command, *(container.arguments or own)],
        "environment": {
            "PATH": PATH,
            "HOME": "/",  # of a user without an entry in /etc/passwd
            "HOSTNAME": "pod-0",
            **image.environment,
            **surroundings.environment,
            **container.environment,
        },
    }


def texts(container: Container, surroundings: Surroundings) -> dict[str, str]:
    hosts = {"localhost": "127.0.0.1", "pod-0": ADDRESS, **surroundings.hosts}
    return {
        "/etc/hosts": "".join(f"{address}\t{name}\n" for name, address in hosts.items()),
        "/etc/hostname": "pod-0\n",
        "/etc/resolv.conf": "nameserver 10.43.0.10\noptions ndots:5\n",
    }


def volume(mount: Mount, container: Container, folder: Path) -> Path:
    """Make the folder of a mount as the kubelet does: root's, and the pod's by its group alone."""
    path = folder / "volumes" / mount.path.strip("/").replace("/", "-")
    path.mkdir(parents=True)
    if mount.files:
        _publish(mount.files, path)
    os.chown(path, 0, container.volume_group if container.volume_group is not None else 0)
    path.chmod(0o2775)
    return path


def _publish(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of a ConfigMap behind two links, by which the kubelet replaces them all at once."""
    dated = folder / "..2026_01_01"
    dated.mkdir()
    (folder / "..data").symlink_to(dated.name)
    for name, text in files.items():
        (dated / name).write_text(text, encoding="utf-8")
        (folder / name).symlink_to(f"..data/{name}")
