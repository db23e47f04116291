"""Saved state of a twin between two commands."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tools.control_plane.files import write_private
from tools.control_plane.processes import Process
from tools.errors import TwinError
from tools.twin.node import SimulatedNode


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
    """Return the record of the twin in `folder`, or None. Raises TwinError for an invalid one."""
    file = _file(folder)
    if not file.exists():
        return None
    try:
        return _record(json.loads(file.read_text()))
    except (KeyError, TypeError, ValueError) as error:
        raise TwinError(
            f"{file} was written by another version: end the processes it names and remove {folder}"
        ) from error


def _record(raw: dict[str, Any]) -> TwinRecord:
    return TwinRecord(
        node=SimulatedNode(**raw["node"]),
        port=raw["port"],
        owner=Process(**raw["owner"]) if raw["owner"] else None,
        processes={name: Process(**process) for name, process in raw["processes"].items()},
    )


def _file(folder: Path) -> Path:
    return folder / "twin.json"
