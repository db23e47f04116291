"""A cluster's own part of the control groups, in every hierarchy of the machine: made before it, removed after it.

Version 1 was tried (one hierarchy for each controller). For version 2 the same folders are made in the one hierarchy
and the controllers enabled down to the pods' part; that was not tried on a machine.
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
COPIED: Final = ("cpuset.cpus", "cpuset.mems")  # version 1 makes them empty, and nothing may run in an empty one


@dataclass(frozen=True)
class Hierarchy:
    """Where one of them is mounted."""

    root: Path
    unified: bool  # version 2


def hierarchies() -> tuple[Hierarchy, ...]:
    """All that have controllers or, as systemd's, a name; version 2 counts only where it is alone."""
    found = list(_mounted())
    first = [Hierarchy(root, unified=False) for kind, root in found if kind == "cgroup"]
    return tuple(first or [Hierarchy(root, unified=True) for _, root in found])


def make(cgroup: str) -> None:
    """Make `cgroup` with a part for the node's own processes; the kubelet makes the pods' beside it. Raises OSError."""
    for hierarchy in hierarchies():
        place = hierarchy.root / cgroup.lstrip("/")
        for folder in (place, place / "node"):
            folder.mkdir(exist_ok=True)
            for name in COPIED if not hierarchy.unified else ():
                _copy(folder.parent / name, folder / name)
        if hierarchy.unified:
            controllers = (place / "cgroup.controllers").read_text().split()
            (place / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def remove(cgroup: str) -> None:
    """Remove it with everything below; its processes are gone, but the kernel may take a moment to notice.

    Where there are both versions, runc makes groups in version 2 as well.
    """
    for _, root in _mounted():
        place = root / cgroup.lstrip("/")
        deadline = time.monotonic() + END_S
        while place.exists() and time.monotonic() < deadline:
            for folder in (*_below(place), place):
                with suppress(OSError):
                    folder.rmdir()
            if place.exists():
                time.sleep(POLL_S)


def _below(place: Path) -> Iterator[Path]:
    """Deepest first, as they have to be removed."""
    for folder, names, _ in os.walk(place, topdown=False):
        yield from (Path(folder, name) for name in names)


def _copy(source: Path, target: Path) -> None:
    if target.exists() and not target.read_text().strip():
        target.write_text(source.read_text())


def _mounted() -> Iterator[tuple[str, Path]]:
    """The kind and the place of every hierarchy."""
    for line in MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, place = after.split()[0], before.split()[4]
        if kind in {"cgroup", "cgroup2"}:
            yield kind, Path(place)
