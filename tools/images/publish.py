"""Publish a built image to a cluster, a registry or a file, and return its reference for pods."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.cluster import Cluster
from tools.errors import ImageError
from tools.images.build import Images

PublishFunction = Callable[[Images, Path, str], str]


def to_cluster(images: Images, folder: Path, name: str) -> str:
    """Import the image into the node of the cluster *name*. Raises ImageError and ClusterError."""
    built, cluster = images.build(folder), Cluster(name)
    if not cluster.has_image(built.reference):
        cluster.import_image(built.archive)
    return built.reference


def to_registry(images: Images, folder: Path, registry: str) -> str:
    """Push the image to *registry* (host and path), with the builder's login. Raises ImageError."""
    return images.push(folder, registry.rstrip("/"))


def to_archive(images: Images, folder: Path, file: str) -> str:
    """Write the image to a file, for `ctr -n k8s.io images import FILE`. Raises ImageError."""
    built = images.build(folder)
    try:
        shutil.copyfile(built.archive, file)
    except OSError as error:
        raise ImageError(f"{file}: cannot be written: {error.strerror}") from error
    return built.reference


DESTINATIONS: Final[dict[str, PublishFunction]] = {
    "cluster": to_cluster,
    "registry": to_registry,
    "archive": to_archive,
}
"""Function of each option of `synapse image build`."""


def publish(images: Images, folder: Path, **destination: str | None) -> str:
    """Build *folder* and publish it to the one given destination. Raises ImageError for none or several."""
    given = {option: value for option, value in destination.items() if value}
    if len(given) != 1:
        options = ", ".join(f"--{option}" for option in given) or "no destination"
        accepted = ", ".join(f"--{option}" for option in DESTINATIONS)
        raise ImageError(f"{folder}: got {options}; accepted: one of {accepted}")
    ((option, value),) = given.items()
    return DESTINATIONS[option](images, folder, value)
