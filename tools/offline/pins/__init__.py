"""Pinned programs that no Python package brings: one version each, and its source.

A release is used only where its checksum is pinned here; else a Go module under `tools/offline/go/` is built, whose
`go.sum` pins every source file. For a new version, change the pin here and run `go get` and `go mod tidy` in the
module's folder.
"""

from collections.abc import Mapping
from typing import Final

from tools.offline.pins import cluster, commands, kubernetes, monitoring
from tools.offline.pins.commands import PULUMI
from tools.offline.pins.kubernetes import KUBERNETES
from tools.offline.pins.pin import GO_ARCH, MODULES, GoPackage, Patch, Pin, PublishedProgram, Release

PINS: Final[Mapping[str, Pin]] = {
    pin.name: pin for group in (commands, kubernetes, cluster, monitoring) for pin in group.ALL
}

__all__ = [
    "GO_ARCH",
    "KUBERNETES",
    "MODULES",
    "PINS",
    "PULUMI",
    "GoPackage",
    "Patch",
    "Pin",
    "PublishedProgram",
    "Release",
]
