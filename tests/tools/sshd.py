"""A real sshd on loopback, with new keys; the user who runs the tests may log in."""

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

from tests.ports import reserved_port
from tools.offline import debian

DEADLINE_S: Final = 200.0
POLL_S: Final = 0.02
SEPARATION: Final = Path("/run/sshd")
OWN_MODE: Final = 0o711  # a system service makes the folder with another mode
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
    """A running sshd; its keys and its log are in *folder*."""

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
    def connections(self) -> int:
        """Number of connections so far; other lines of the log may be written after a connection has ended."""
        return self.log.count("Connection from ")

    @property
    def connection(self) -> dict[str, Any]:
        """Connection arguments of Pulumi's remote resources."""
        user = getpass.getuser()
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": user,
            "hostKey": self.host_key,
            "privateKey": self.client_key,
        }


def public(key: Path) -> str:
    """Return the public key without its comment."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def make_key(file: Path, kind: str = "ed25519") -> Path:
    subprocess.run(["/usr/bin/ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file], check=True)
    return file


@contextmanager
def running(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Sshd]:
    """Run an sshd in the block; logins get *environment* in addition."""
    program = debian.program("sshd", "openssh-server")
    folder.mkdir(parents=True, exist_ok=True)
    make_key(folder / "host")
    make_key(folder / "client")
    variables = " ".join(f'"{name}={value}"' for name, value in (environment or {}).items())
    with reserved_port() as port, _separation_folder(), (folder / "log").open("wb") as log:
        server = Sshd(folder=folder, port=port)
        text = CONFIG.format(port=port, folder=folder) + (f"SetEnv {variables}\n" if variables else "")
        (folder / "config").write_text(text)
        process = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait()


@contextmanager
def agent(folder: Path, key: Path) -> Iterator[Path]:
    """Run an SSH agent with one key; yield its socket."""
    socket_path = folder / "agent"
    command = [shutil.which("ssh-agent") or "ssh-agent", "-D", "-a", str(socket_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not socket_path.exists():
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
        add = [shutil.which("ssh-add") or "ssh-add", "-q", str(key)]
        subprocess.run(add, env=os.environ | {"SSH_AUTH_SOCK": str(socket_path)}, check=True)
        yield socket_path
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _separation_folder() -> Iterator[None]:
    """Make the empty folder that an sshd of root requires; its last user removes it."""
    if os.geteuid() != 0:
        yield
        return
    handle = _shared_lock()
    try:
        yield
    finally:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_IMODE(SEPARATION.stat().st_mode) == OWN_MODE:
                SEPARATION.rmdir()
        os.close(handle)


def _shared_lock() -> int:
    """Return a handle with a shared lock on the folder."""
    while True:
        with suppress(FileExistsError):
            SEPARATION.mkdir(mode=OWN_MODE)
        handle = os.open(SEPARATION, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if SEPARATION.exists():  # it was not removed between the two calls
            return handle
        os.close(handle)


def _wait(server: Sshd, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
                assert connection.recv(4) == b"SSH-"
                return
        except OSError:
            assert process.poll() is None, server.log
            assert time.monotonic() < deadline, server.log
            time.sleep(POLL_S)
