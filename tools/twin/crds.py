"""CustomResourceDefinitions that K3s installs: Traefik's, and those of its Helm controller.

They are read from pinned Go modules and kept in the cache, so that Go is needed once.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from tools import paths
from tools.control_plane.api import Manifest
from tools.control_plane.files import write_private
from tools.errors import ToolchainError
from tools.offline.gobuild import READONLY
from tools.offline.pins import MODULES

PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Source:
    """Source of definitions: our folder with the go.mod, the module, and the pattern of its files."""

    folder: str
    module: str
    files: str


SOURCES: Final = (
    Source(
        "traefik",
        "github.com/traefik/traefik/v3",
        "docs/content/reference/dynamic-configuration/traefik.io_*.yaml",
    ),
    Source("helm-controller", "github.com/k3s-io/helm-controller", "pkg/crds/yaml/generated/helm.cattle.io_*.yaml"),
)


def crds() -> dict[str, Manifest]:
    """Return the CustomResourceDefinitions by their path in the API. Raises ToolchainError where they cannot be had."""
    kept = paths.cache() / "definitions" / f"{_key()}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        by_path = {f"{PATH}/{manifest['metadata']['name']}": manifest for manifest in _read()}
        write_private(kept, json.dumps(by_path))
    content: dict[str, Manifest] = json.loads(kept.read_text())
    return content


def is_served(definition: Manifest | None) -> bool:
    """Return whether the API server serves the kind."""
    conditions = (definition or {}).get("status", {}).get("conditions", [])
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def _read() -> Iterator[Manifest]:
    for source in SOURCES:
        for file in sorted(_module(source).glob(source.files)):
            yield from filter(None, yaml.safe_load_all(file.read_text(encoding="utf-8")))


def _module(source: Source) -> Path:
    """Return the folder of the module, verified by go.sum."""
    if not (go := shutil.which("go")):
        raise ToolchainError(
            f"{source.module}, which has definitions of K3s, is downloaded by Go: install it (https://go.dev/dl)"
        )
    done = subprocess.run(
        [go, "mod", "download", "-json", source.module],
        cwd=MODULES / source.folder,
        env=os.environ | READONLY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolchainError(f"{source.module} could not be downloaded; internet access is needed\n{done.stdout}")
    return Path(json.loads(done.stdout)["Dir"])


def _key() -> str:
    """Return a key of the modules' versions and the files that are read."""
    digest = hashlib.sha256(repr(SOURCES).encode())
    for source in SOURCES:
        digest.update((MODULES / source.folder / "go.mod").read_bytes())
    return digest.hexdigest()[:16]
