"""A real sshd on loopback, with keys of its own and one person who may log in: whoever runs the tests."""

import fcntl
import getpass
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.ports import held
from tools.offline import debian

DEADLINE_S: Final = 20.0
POLL_S: Final = 0.02
SEPARATION: Final = Path("/run/sshd")
OURS: Final = 0o711  # what a service makes has another mode
CONFIG: Final = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
PrintMotd no
"""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """One that listens; its keys are in *folder*, and *log* has what it was asked."""

    folder: Path
    port: int

    @property
    def host_key(self) -> str:
        return public(self.folder / "host")

    @property
    def client_key(self) -> str:
        return (self.folder / "client").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def connection(self) -> dict[str, Any]:
        """As Pulumi's resources take it."""
        user = getpass.getuser()
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": user,
            "hostKey": self.host_key,
            "privateKey": self.client_key,
        }


def public(key: Path) -> str:
    """The public half of a key, without its comment."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def make_key(file: Path, kind: str = "ed25519") -> Path:
    subprocess.run(["/usr/bin/ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file], check=True)
    return file


@contextmanager
def running(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Sshd]:
    """It gives whoever logs in these variables beside the usual ones, and is gone after the block."""
    program = debian.program("sshd", "openssh-server")
    folder.mkdir(parents=True, exist_ok=True)
    make_key(folder / "host")
    make_key(folder / "client")
    variables = " ".join(f'"{name}={value}"' for name, value in (environment or {}).items())
    with held() as port, _separated(), (folder / "log").open("wb") as log:
        found = Sshd(folder=folder, port=port)
        text = CONFIG.format(port=port, folder=folder) + (f"SetEnv {variables}\n" if variables else "")
        (folder / "config").write_text(text)
        process = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait(found, process)
            yield found
        finally:
            process.terminate()
            process.wait()


@contextmanager
def agent(folder: Path, key: Path) -> Iterator[Path]:
    """An SSH agent with one key; where it listens."""
    place = folder / "agent"
    command = [shutil.which("ssh-agent") or "ssh-agent", "-D", "-a", str(place)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not place.exists():
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
        add = [shutil.which("ssh-add") or "ssh-add", "-q", str(key)]
        subprocess.run(add, env=os.environ | {"SSH_AUTH_SOCK": str(place)}, check=True)
        yield place
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _separated() -> Iterator[None]:
    """The empty folder that an sshd of root insists on; the last of us to use it takes it away."""
    if os.geteuid() != 0:
        yield
        return
    handle = _held()
    try:
        yield
    finally:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_IMODE(SEPARATION.stat().st_mode) == OURS:
                SEPARATION.rmdir()
        os.close(handle)


def _held() -> int:
    """A handle with a lock that all who use the folder have."""
    while True:
        with suppress(FileExistsError):
            SEPARATION.mkdir(mode=OURS)
        handle = os.open(SEPARATION, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if SEPARATION.exists():  # nobody took it between the two calls
            return handle
        os.close(handle)


def _wait(found: Sshd, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", found.port), timeout=1) as connection:
                assert connection.recv(4) == b"SSH-"
                return
        except OSError:
            assert process.poll() is None, found.log
            assert time.monotonic() < deadline, found.log
            time.sleep(POLL_S)
