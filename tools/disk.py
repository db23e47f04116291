"""Free space for what is written outside the checkout, checked before anything starts: later it fails half-way."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import paths
from tools.errors import ToolsError

MIB: Final = 1 << 20
GIB: Final = 1 << 30
FIRST_CACHE: Final = 5 * GIB  # tools, Debian packages, images and their layers
CACHE: Final = GIB // 2  # an image that has changed
FIRST_CLUSTER: Final = 2 * GIB  # containerd's copies of the images, etcd, volumes without a large model
STATE: Final = 256 * MIB


@dataclass(frozen=True, kw_only=True)
class SpaceNeed:
    """Bytes that a folder will grow by; *variable* names another place for it."""

    folder: Path
    size: int
    variable: str


def needs(state: Path, *, has_images: bool) -> tuple[SpaceNeed, ...]:
    """Return the needs of a private cluster or a twin in the folder *state*; *has_images*: its node unpacks images."""
    cache, first_state = paths.cache(), FIRST_CLUSTER if has_images and not (state / "containerd").exists() else STATE
    return (
        SpaceNeed(folder=cache, size=CACHE if (cache / "built").exists() else FIRST_CACHE, variable="SYNAPSE_CACHE"),
        SpaceNeed(folder=state, size=first_state, variable="SYNAPSE_STATE"),
    )


def check(space_needs: Iterable[SpaceNeed]) -> None:
    """Raise ToolsError where a file system has less free space than all of its folders need."""
    by_disk: dict[int, list[SpaceNeed]] = {}
    for need in space_needs:
        by_disk.setdefault(_existing(need.folder).stat().st_dev, []).append(need)
    for group in by_disk.values():
        needed, free = sum(need.size for need in group), shutil.disk_usage(_existing(group[0].folder)).free
        if free < needed:
            folders = " and ".join(f"{need.folder} ({need.size / GIB:.2g} GiB)" for need in group)
            raise ToolsError(
                f"{folders}: got {free / GIB:.2g} GiB free; accepted: {needed / GIB:.2g} GiB or more: make room, or "
                f"name a folder on another disk in {' or '.join(need.variable for need in group)}"
            )


def _existing(folder: Path) -> Path:
    """Return the folder, or its first parent that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())
