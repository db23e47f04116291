"""A way to another machine by the system's OpenSSH: to the host whose key is pinned, or to nobody."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tools.offline.plugins.answers import PluginError

PRIVATE: Final = 0o600
DIAL_S: Final = 15
ALIVE_S: Final = 15  # a build is silent for longer than some firewalls keep a connection
FAILED: Final = 255  # ssh's own exit status; the command's is passed on
UNSUPPORTED: Final = ("password", "privateKeyPassword", "proxy")
MISMATCH: Final = "Host key verification failed"
PORT: Final = 22


@contextmanager
def way(connection: Mapping[str, Any]) -> Iterator[list[str]]:
    """The words before a command that runs over there. Raises PluginError for a host whose key is not pinned."""
    pinned = connection.get("hostKey")
    if not pinned:
        raise PluginError(f"{_place(connection)}: has no hostKey; accepted: its public key, as `ssh-keyscan` prints it")
    if named := [name for name in UNSUPPORTED if connection.get(name)]:
        raise PluginError(f"{_place(connection)}: {', '.join(named)} needs the official Pulumi Command plugin")
    with tempfile.TemporaryDirectory(prefix="synapse-ssh-") as folder:
        known = _written(Path(folder, "known_hosts"), f"pinned {pinned}")
        key = connection.get("privateKey")
        identity = _written(Path(folder, "key"), key) if key else None
        yield [*_options(connection, known, identity), "--", str(connection["host"])]


def refusal(connection: Mapping[str, Any], code: int, said: str) -> str | None:
    """What to tell the person where not the command has failed, but the way to it."""
    if code != FAILED:
        return None
    if MISMATCH in said:
        return (
            f"{_place(connection)}: its host key is not the pinned one, and nothing was sent there. Find out why "
            f"before you pin another: ssh-keyscan -p {connection.get('port', PORT)} {connection['host']}"
        )
    return f"{_place(connection)}: cannot be reached by SSH: {said.strip() or 'the connection ended'}"


def _options(connection: Mapping[str, Any], known: Path, identity: Path | None) -> list[str]:
    """All of them said here: what a person has configured for their own sessions has no part in it."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": DIAL_S,
        "GlobalKnownHostsFile": "none",
        "HostKeyAlias": "pinned",
        "HostKeyAlgorithms": _algorithms(str(connection["hostKey"])),
        "LogLevel": "INFO",
        "Port": connection.get("port", PORT),
        "ServerAliveInterval": ALIVE_S,
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "User": connection.get("user", "root"),
        "UserKnownHostsFile": known,
        **(
            {"IdentityFile": identity, "IdentitiesOnly": "yes", "IdentityAgent": "none"}
            if identity
            else _agent(connection)
        ),
    }
    written = [f"-o{name}={value}" for name, value in options.items()]
    return [_program(), "-F", "none", "-T", *written]


def _agent(connection: Mapping[str, Any]) -> dict[str, str]:
    socket = connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK")
    if not socket:
        raise PluginError(
            f"{_place(connection)}: there is no key to log in with; accepted: an SSH agent in SSH_AUTH_SOCK "
            '(eval "$(ssh-agent)"; ssh-add), or privateKey'
        )
    return {"IdentityAgent": socket, "IdentityFile": "none"}


def _algorithms(key: str) -> str:
    """Those of the pinned key alone: a host that has keys of several kinds shows this one."""
    kind = key.split(maxsplit=1)[0]
    return "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind


def _program() -> str:
    if found := shutil.which("ssh"):
        return found
    raise PluginError("ssh: not on PATH; install OpenSSH's client, Debian's package openssh-client")


def _place(connection: Mapping[str, Any]) -> str:
    return f"{connection.get('user', 'root')}@{connection.get('host')}:{connection.get('port', PORT)}"


def _written(file: Path, text: str) -> Path:
    file.touch(PRIVATE)
    file.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    return file
