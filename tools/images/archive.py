"""Image archives in OCI's layout that any containerd imports under the name that pods use."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any, Final

from tools.errors import ImageError

INDEX: Final = "index.json"
NAMES: Final = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations with an image's name: containerd reads the first, other programs the second."""


def seal(saved: Path, name: str, archive: Path) -> str:
    """Write a builder's archive *saved* to *archive*, with both names of its one image; return `name:tag@digest`.

    A pod's image is `name:tag@digest`, and containerd then looks for the name `name@digest`. Raises ImageError.
    """
    with tarfile.open(saved) as source, tarfile.open(archive, "w") as target:
        for member in source:
            content = source.extractfile(member)
            if member.name.removeprefix("./") == INDEX and content:
                content = io.BytesIO(_named(json.load(content), name))
                member.size = len(content.getbuffer())
            target.addfile(member, content)
    sealed = reference(archive, name)
    if sealed is None:
        raise ImageError(f"{name}: was saved without an index; accepted: OCI's layout, as Docker 25 or newer saves it")
    return sealed


def reference(archive: Path, name: str) -> str | None:
    """Return `name:tag@digest` of the image in a sealed archive; None where it has no image of that name."""
    if not archive.is_file():
        return None
    with tarfile.open(archive) as source:
        member = next((member for member in source if member.name.removeprefix("./") == INDEX), None)
        content = source.extractfile(member) if member else None
        manifests = json.load(content)["manifests"] if content else []
    digests = (one["digest"] for one in manifests if name in one.get("annotations", {}).values())
    return next((f"{name}@{digest}" for digest in digests), None)


def _named(index: dict[str, Any], name: str) -> bytes:
    manifests = index["manifests"]
    if len({one["digest"] for one in manifests}) != 1:
        raise ImageError(f"{name}: was built with {len(manifests)} manifests; accepted: the image of one platform")
    only, repository = manifests[0], name.rpartition(":")[0]
    names = (name, f"{repository}@{only['digest']}")
    index["manifests"] = [{**only, "annotations": dict.fromkeys(NAMES, text)} for text in names]
    return json.dumps(index).encode()
