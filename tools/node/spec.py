"""Specification of a node: one file that the host writes and process 1 of the node reads."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.control_plane.files import write_private


@dataclass(frozen=True, kw_only=True)
class NodeComponent:
    """A process that is restarted whenever it ends."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()  # Unix sockets and host:port that must accept before it starts, and chains of rules


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """One node: its name, its folder on the host, and its components in the order of their start."""

    name: str
    folder: str  # on the host
    cgroup: str  # "/synapse-NAME" in each hierarchy
    environment: Mapping[str, str]
    components: tuple[NodeComponent, ...]
    files: Mapping[str, str]  # content by absolute path inside, written before anything starts
    links: Mapping[str, str]  # target of symbolic links by absolute path inside

    def write(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> "NodeSpec":
        """Read a specification. Raises ValueError, KeyError or TypeError where another version wrote it."""
        raw: dict[str, Any] = json.loads(path.read_text())
        components = [item | {key: tuple(item[key]) for key in ("command", "needs")} for item in raw["components"]]
        return cls(**raw | {"components": tuple(NodeComponent(**item) for item in components)})
