"""Make and remove a cluster's control groups in every hierarchy of the machine.

Version 1 (one hierarchy per controller) is tested. For version 2 the same folders are made in the one hierarchy and the
controllers enabled for them; that is not tested on a machine.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
END_S: Final = 10.0
POLL_S: Final = 0.02
COPIED: Final = ("cpuset.cpus", "cpuset.mems")  # empty in a new group of version 1, where nothing may run then


@dataclass(frozen=True)
class Hierarchy:
    """A mounted control group hierarchy."""

    root: Path
    unified: bool  # version 2


def hierarchies() -> tuple[Hierarchy, ...]:
    """Return all hierarchies of version 1, or the one of version 2 where there are none."""
    mounts = list(_mounted())
    first = [Hierarchy(root, unified=False) for kind, root in mounts if kind == "cgroup"]
    return tuple(first or [Hierarchy(root, unified=True) for _, root in mounts])


def make(cgroup: str) -> None:
    """Make `cgroup` with a child for the node's processes; the kubelet makes the pods' beside it. Raises OSError."""
    for hierarchy in hierarchies():
        group = hierarchy.root / cgroup.lstrip("/")
        for folder in (group, group / "node"):
            folder.mkdir(exist_ok=True)
            for name in COPIED if not hierarchy.unified else ():
                _copy(folder.parent / name, folder / name)
        if hierarchy.unified:
            controllers = (group / "cgroup.controllers").read_text().split()
            (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def remove(cgroup: str) -> None:
    """Remove the group with all its children, once the kernel has released its ended processes.

    Where both versions are mounted, runc makes groups in version 2 too.
    """
    for _, root in _mounted():
        group = root / cgroup.lstrip("/")
        deadline = time.monotonic() + END_S
        while group.exists() and time.monotonic() < deadline:
            for folder in (*_children(group), group):
                with suppress(OSError):
                    folder.rmdir()
            if group.exists():
                time.sleep(POLL_S)


def _children(group: Path) -> Iterator[Path]:
    """Yield the groups below, deepest first, as they must be removed."""
    for folder, names, _ in os.walk(group, topdown=False):
        yield from (Path(folder, name) for name in names)


def _copy(source: Path, target: Path) -> None:
    if target.exists() and not target.read_text().strip():
        target.write_text(source.read_text())


def _mounted() -> Iterator[tuple[str, Path]]:
    """Yield the file system type and the mount point of every hierarchy."""
    for line in MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, mount = after.split()[0], before.split()[4]
        if kind in {"cgroup", "cgroup2"}:
            yield kind, Path(mount)
