"""What a node is told: everything that the process inside has to know, as one file that the host writes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.control_plane.files import write_private


@dataclass(frozen=True, kw_only=True)
class NodeComponent:
    """A process that is started again whenever it ends."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()  # Unix sockets and host:port that must accept before it starts


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """One node: whom it is, where its files are on the host, and what runs on it, in this order."""

    name: str
    folder: str  # on the host
    cgroup: str  # "/synapse-NAME" in each hierarchy
    environment: Mapping[str, str]
    components: tuple[NodeComponent, ...]
    files: Mapping[str, str]  # written inside before anything starts, by absolute path
    links: Mapping[str, str]  # symbolic links, likewise: where to, by absolute path

    def write(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, path: Path) -> "NodeSpec":
        """Raises ValueError, KeyError or TypeError where it was written by another version."""
        raw: dict[str, Any] = json.loads(path.read_text())
        components = [item | {key: tuple(item[key]) for key in ("command", "needs")} for item in raw["components"]]
        return cls(**raw | {"components": tuple(NodeComponent(**item) for item in components)})
