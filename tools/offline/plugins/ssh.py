"""Run commands on another machine by the system's OpenSSH, only on the host whose key is pinned."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tools.offline.plugins.responses import PluginError

PRIVATE: Final = 0o600
DIAL_S: Final = 15
ALIVE_S: Final = 15  # keep-alive for builds that print nothing for a long time
FAILED: Final = 255  # exit status of ssh itself
UNSUPPORTED: Final = ("password", "privateKeyPassword", "proxy")
MISMATCH: Final = "Host key verification failed"
PORT: Final = 22


@contextmanager
def command_prefix(connection: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the ssh command to put before a remote command. Raises PluginError for a host without a pinned key."""
    pinned = connection.get("hostKey")
    if not pinned:
        raise PluginError(
            f"{_address(connection)}: has no hostKey; accepted: its public key, as `ssh-keyscan` prints it"
        )
    if given := [name for name in UNSUPPORTED if connection.get(name)]:
        raise PluginError(f"{_address(connection)}: {', '.join(given)} needs the official Pulumi Command plugin")
    with tempfile.TemporaryDirectory(prefix="synapse-ssh-") as folder:
        host_keys = _written(Path(folder, "known_hosts"), f"pinned {pinned}")
        key = connection.get("privateKey")
        identity = _written(Path(folder, "key"), key) if key else None
        yield [*_options(connection, host_keys, identity), "--", str(connection["host"])]


def connection_error(connection: Mapping[str, Any], code: int, stderr: str) -> str | None:
    """Return the message for a failed connection; None where the command itself failed."""
    if code != FAILED:
        return None
    if MISMATCH in stderr:
        return (
            f"{_address(connection)}: its host key is not the pinned one, and nothing was sent there. Find out why "
            f"before you pin another key: ssh-keyscan -p {connection.get('port', PORT)} {connection['host']}"
        )
    return f"{_address(connection)}: cannot be reached by SSH: {stderr.strip() or 'the connection ended'}"


def _options(connection: Mapping[str, Any], host_keys: Path, identity: Path | None) -> list[str]:
    """Return ssh with all its options; the user's configuration is not read."""
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
        "UserKnownHostsFile": host_keys,
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
            f"{_address(connection)}: there is no key to log in with; accepted: an SSH agent in SSH_AUTH_SOCK "
            '(eval "$(ssh-agent)"; ssh-add), or privateKey'
        )
    return {"IdentityAgent": socket, "IdentityFile": "none"}


def _algorithms(key: str) -> str:
    """Return the algorithms of the pinned key alone, so that a host with several keys presents this one."""
    kind = key.split(maxsplit=1)[0]
    return "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind


def _program() -> str:
    if path := shutil.which("ssh"):
        return path
    raise PluginError("ssh: not on PATH; install OpenSSH's client, Debian's package openssh-client")


def _address(connection: Mapping[str, Any]) -> str:
    return f"{connection.get('user', 'root')}@{connection.get('host')}:{connection.get('port', PORT)}"


def _written(file: Path, text: str) -> Path:
    file.touch(PRIVATE)
    file.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    return file
