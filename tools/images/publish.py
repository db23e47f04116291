"""Where an image goes once it is built, and the reference by which pods find it there."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.cluster import Cluster
from tools.errors import ImageError
from tools.images.build import Images

To = Callable[[Images, Path, str], str]


def to_cluster(images: Images, folder: Path, name: str) -> str:
    """Into the store of the cluster called *name*, which has no registry. Raises ImageError and ClusterError."""
    built, cluster = images.build(folder), Cluster(name)
    if not cluster.has_image(built.reference):
        cluster.import_image(built.archive)
    return built.reference


def to_registry(images: Images, folder: Path, registry: str) -> str:
    """To *registry*, a host and a path, with the login that the builder has for it. Raises ImageError."""
    return images.push(folder, registry.rstrip("/"))


def to_archive(images: Images, folder: Path, file: str) -> str:
    """To a file, to be imported by hand: `ctr -n k8s.io images import FILE`. Raises ImageError."""
    built = images.build(folder)
    try:
        shutil.copyfile(built.archive, file)
    except OSError as error:
        raise ImageError(f"{file}: cannot be written: {error.strerror}") from error
    return built.reference


DESTINATIONS: Final[dict[str, To]] = {"cluster": to_cluster, "registry": to_registry, "archive": to_archive}
"""By the option that names each."""


def publish(images: Images, folder: Path, **wanted: str | None) -> str:
    """Build *folder* and hand it on in the one way that is named. Raises ImageError for none or several."""
    named = {way: where for way, where in wanted.items() if where}
    if len(named) != 1:
        said = ", ".join(f"--{way}" for way in named) or "no place to go"
        raise ImageError(f"{folder}: got {said}; accepted: one of {', '.join(f'--{way}' for way in DESTINATIONS)}")
    ((way, where),) = named.items()
    return DESTINATIONS[way](images, folder, where)
