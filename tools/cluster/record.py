"""Saved state of a cluster between two commands."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.cluster.credentials import credentials
from tools.control_plane.credentials import ADMIN, port_of
from tools.control_plane.files import write_private
from tools.control_plane.processes import Process, running_in
from tools.progress import warn_once

API: Final = "api"  # the forward to the API server
UNSHARE: Final = "unshare"


@dataclass(frozen=True)
class Forward:
    """A port of the host's loopback that reaches `host:port` in the cluster, such as a Service's DNS name."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Size:
    """Resources of the machine that pods may use."""

    memory: int  # bytes
    cpu: int  # millicores


@dataclass(frozen=True, kw_only=True)
class ClusterRecord:
    """Record of a cluster, saved at every change, so that everything that was started can be ended."""

    size: Size | None = None  # None: all of the machine
    forwards: tuple[Forward, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)  # of loopback, by the forward's name
    node: Process | None = None  # the process of `unshare`; its one child is process 1 of the node
    owner: Process | None = None  # the cluster is deleted once this process has ended

    def save(self, folder: Path) -> None:
        write_private(_file(folder), json.dumps(asdict(self), indent=2))


def load(folder: Path) -> ClusterRecord | None:
    """Return the record of the cluster in `folder`, or None; one that cannot be read is made anew from what runs."""
    file = _file(folder)
    if not file.exists():
        return None
    try:
        return _record(json.loads(file.read_text()))
    except (KeyError, TypeError, ValueError, AttributeError):
        warn_once(f"{file}: cannot be read; made anew from the processes of {folder}, whose data stays as it is")
        return _from_processes(folder)


def _from_processes(folder: Path) -> ClusterRecord:
    """Return a record of the node that runs; its size and its forwards are those that the next start is given."""
    nodes = [process for process, program in running_in(folder) if program == UNSHARE]
    port = port_of(credentials(folder, folder.name).kubeconfig(ADMIN))
    return ClusterRecord(node=nodes[0] if nodes else None, ports={API: port} if port else {})


def _record(raw: dict[str, Any]) -> ClusterRecord:
    return ClusterRecord(
        size=Size(**raw["size"]) if raw["size"] else None,
        forwards=tuple(Forward(**item) for item in raw["forwards"]),
        ports=dict(raw["ports"]),
        node=Process(**raw["node"]) if raw["node"] else None,
        owner=Process(**raw["owner"]) if raw["owner"] else None,
    )


def _file(folder: Path) -> Path:
    return folder / "cluster.json"
