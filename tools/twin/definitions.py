"""The kinds that K3s adds to Kubernetes' own: Traefik's, and those of the controller that installs its charts.

They are the publishers' own definitions, out of pinned Go modules, and kept like a built program: Go is asked once.
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
    """Where one publisher keeps its definitions: our folder with the go.mod, its module, and files of that."""

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


def definitions() -> dict[str, Manifest]:
    """CustomResourceDefinitions by their path in the API; raises ToolchainError where they cannot be had."""
    kept = paths.cache() / "definitions" / f"{_key()}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        found = {f"{PATH}/{manifest['metadata']['name']}": manifest for manifest in _read()}
        write_private(kept, json.dumps(found))
    content: dict[str, Manifest] = json.loads(kept.read_text())
    return content


def is_served(definition: Manifest | None) -> bool:
    """Whether the API server has taken it up."""
    conditions = (definition or {}).get("status", {}).get("conditions", [])
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def _read() -> Iterator[Manifest]:
    for source in SOURCES:
        for file in sorted(_module(source).glob(source.files)):
            yield from filter(None, yaml.safe_load_all(file.read_text(encoding="utf-8")))


def _module(source: Source) -> Path:
    """The folder of a module as go.sum has it."""
    if not (go := shutil.which("go")):
        raise ToolchainError(
            f"{source.module}, which defines kinds of K3s, comes with Go: install it (https://go.dev/dl)"
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
        raise ToolchainError(
            f"{source.module} could not be downloaded; connect this machine, and try again\n{done.stdout}"
        )
    return Path(json.loads(done.stdout)["Dir"])


def _key() -> str:
    """What they depend on: the modules' versions, and which files of them."""
    digest = hashlib.sha256(repr(SOURCES).encode())
    for source in SOURCES:
        digest.update((MODULES / source.folder / "go.mod").read_bytes())
    return digest.hexdigest()[:16]
