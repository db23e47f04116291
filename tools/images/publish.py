"""Publish a built image to a cluster, a registry or a file, and return its reference for pods."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.cluster import Cluster
from tools.errors import ImageError
from tools.images import content, k3s
from tools.images.build import HOST, Images, repository
from tools.progress import say

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


def to_node(images: Images, folder: Path, name: str, context: str | None = None, kubeconfig: Path | None = None) -> str:
    """Import the image into K3s on this machine, the node *name*; nothing is built for a simulated node.

    Raises ImageError where the node is another machine, or its image store cannot be reached.
    """
    from tools.images import node  # noqa: PLC0415 - only here is the cluster's client needed, which loads slowly

    if node.ensure_here(name, context, kubeconfig):
        return k3s.publish(images, folder)
    say(f"{folder.name}: node {name} is simulated: nothing is built")
    tag = content.digest(folder)
    return f"{HOST}/{repository(folder)}:{tag}@sha256:{hashlib.sha256(tag.encode()).hexdigest()}"


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
    "node": to_node,
    "archive": to_archive,
}
"""Function of each option of `synapse image build`."""


def publish(images: Images, folder: Path, **destination: str | None) -> str:
    """Build *folder* and publish it to the given destination; without one it stays in the local store.

    Raises ImageError for several.
    """
    given = {option: value for option, value in destination.items() if value}
    if not given:
        return images.build(folder).reference
    if len(given) != 1:
        options = ", ".join(f"--{option}" for option in given)
        accepted = ", ".join(f"--{option}" for option in DESTINATIONS)
        raise ImageError(f"{folder}: got {options}; accepted: one of {accepted}")
    ((option, value),) = given.items()
    return DESTINATIONS[option](images, folder, value)
