"""Saved state of a twin between two commands."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.control_plane.credentials import ADMIN, port_of
from tools.control_plane.files import write_private
from tools.control_plane.processes import Process, running_in
from tools.progress import warn_once
from tools.twin.credentials import credentials
from tools.twin.node import SimulatedNode

UNKNOWN: Final = SimulatedNode(name="unknown", memory=0, cpu=0, gpus=0)
"""Node of a twin whose record was lost, until its next start."""


@dataclass(frozen=True, kw_only=True)
class TwinRecord:
    """Record of a twin, saved at every change, so that every process can be ended."""

    node: SimulatedNode
    port: int = 0  # of the API server; 0 before the first start
    owner: Process | None = None  # the twin is removed once this process has ended
    processes: dict[str, Process] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        write_private(_file(folder), json.dumps(asdict(self), indent=2))


def load(folder: Path) -> TwinRecord | None:
    """Return the record of the twin in `folder`, or None; one that cannot be read is made anew from what runs."""
    file = _file(folder)
    if not file.exists():
        return None
    try:
        return _record(json.loads(file.read_text()))
    except (KeyError, TypeError, ValueError, AttributeError):
        warn_once(f"{file}: cannot be read; made anew from the processes of {folder}, whose data stays as it is")
        return _from_processes(folder)


def _from_processes(folder: Path) -> TwinRecord:
    """Return a record of the processes that run; the next start is given the node."""
    processes = {program: process for process, program in running_in(folder)}
    port = port_of(credentials(folder).kubeconfig(ADMIN))
    return TwinRecord(node=UNKNOWN, port=port or 0, processes=processes)


def _record(raw: dict[str, Any]) -> TwinRecord:
    return TwinRecord(
        node=SimulatedNode(**raw["node"]),
        port=raw["port"],
        owner=Process(**raw["owner"]) if raw["owner"] else None,
        processes={name: Process(**process) for name, process in raw["processes"].items()},
    )


def _file(folder: Path) -> Path:
    return folder / "twin.json"
