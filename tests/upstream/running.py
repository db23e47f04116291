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
from contextlib import ExitStack, contextmanager
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
        self.wait_for(self.is_ready, "is not ready", deadline_s)

    def wait_for(self, condition: Callable[[], object], what: str, deadline_s: float = START_S) -> None:
        """Wait until *condition* holds. Raises AssertionError with *what* and the log when it cannot any more."""
        end = time.monotonic() + deadline_s
        while not condition():
            assert self.process.poll() is None, f"{self.container.name} ended:\n{self.log}"
            assert time.monotonic() < end, f"{self.container.name}: {what} after {deadline_s:.0f} s:\n{self.log}"
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
    """Additions of the cluster: the token of an account, and the address of the API server with a connection to it."""

    files: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    forwards: Mapping[int, int] = field(default_factory=dict)
    """Port on the container's loopback -> port on this machine's."""


ALONE: Final = Surroundings()


@contextmanager
def started(container: Container, image: Image, folder: Path, surroundings: Surroundings = ALONE) -> Iterator[Running]:
    """Start the container with its files in the empty *folder*; at the end all its processes end too."""
    (folder / "root").mkdir()
    with (
        _launched(stage(container, image, folder, surroundings), folder, surroundings.forwards) as (process, inside),
        httpx.Client(base_url=url(container), timeout=START_S) as client,
    ):
        yield Running(container, process, folder, inside, client)


@contextmanager
def _launched(
    description: Mapping[str, Any], folder: Path, forwards: Mapping[int, int]
) -> Iterator[tuple[subprocess.Popen[bytes], ThreadPoolExecutor]]:
    """Start the stage, and yield it with a thread in its network once the program is about to begin."""
    file, log = folder / "stage.json", folder / "log"
    file.write_text(json.dumps(description), encoding="utf-8")
    ours, theirs = socket.socketpair()
    with ours, theirs, log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix(), sys.executable, "-m", "tests.upstream.stage", str(file), str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(),),
        )
        try:
            theirs.close()
            assert ours.recv(1), f"the container was not set up:\n{log.read_text()}"
            with network(process.pid) as inside, ExitStack() as stack:
                for port, target in forwards.items():
                    stack.enter_context(_forwarding(inside, port, target))
                ours.send(b".")
                yield process, inside
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
    """Yield a thread in the network of the process *pid*, which it keeps when the process ends."""
    with ThreadPoolExecutor(1, thread_name_prefix="pod") as inside:
        inside.submit(_enter, pid).result()
        yield inside


@contextmanager
def _forwarding(inside: ThreadPoolExecutor, port: int, target: int) -> Iterator[None]:
    """Carry connections from *port* of the container's loopback to *target* of this machine's."""
    with inside.submit(socket.create_server, ("127.0.0.1", port)).result() as listener:
        handle = listener.fileno()
        command = [sys.executable, "-m", "tools.node.forwarder", str(handle), "127.0.0.1", str(target)]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=(handle,))
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _enter(pid: int) -> None:
    with Path(f"/proc/{pid}/ns/net").open("rb") as handle:
        if ctypes.CDLL(None).setns(handle.fileno(), NEW_NETWORK):
            raise OSError(f"the network of process {pid} cannot be entered")


def stage(container: Container, image: Image, folder: Path, surroundings: Surroundings) -> dict[str, Any]:
    """Return the description that `tests.upstream.stage` reads."""
    command = container.command or image.entrypoint
    own = () if container.command else image.command
    groups = {container.group, *([container.volume_group] if container.volume_group is not None else [])}
    return {
        "root": str(folder / "root"),
        "files": {path: str(source) for path, source in {**image.files, **surroundings.files}.items()},
        "links": dict(image.links),
        "texts": texts(),
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


def texts() -> dict[str, str]:
    """Return the files that the kubelet writes for each pod."""
    return {
        "/etc/hosts": f"127.0.0.1\tlocalhost\n{ADDRESS}\tpod-0\n",
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
