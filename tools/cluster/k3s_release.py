"""Find the program `k3s`: on PATH, or its pinned release where `SYNAPSE_K3S=fetch` is set."""

import os
import platform
import shutil
from pathlib import Path
from typing import Final

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.offline import release
from tools.offline.pins import GO_ARCH, PublishedProgram, Release
from tools.offline.toolchain import keep
from tools.progress import say

NAME: Final = "k3s"
VARIABLE: Final = "SYNAPSE_K3S"
FETCH: Final = "fetch"
PUBLISHED: Final = PublishedProgram(
    name=NAME,
    version="1.35.6",
    release=Release(
        url="https://github.com/k3s-io/k3s/releases/download/v1.35.6%2Bk3s1/k3s",
        arch=GO_ARCH,
        checksum={"x86_64": "2b52a2c1ca6eb502e2a0ffa1a4cf79eef94875926577c1e43347ed292cc92432"},
    ),
)


def k3s() -> Path | None:
    """Return the program, or None to use Kubernetes' own programs.

    Raises ToolchainError for an unknown value of SYNAPSE_K3S or a release that cannot be fetched, and ChecksumError for
    a release other than the pinned one.
    """
    choice = os.environ.get(VARIABLE, "")
    if choice not in {"", FETCH}:
        raise ToolchainError(f"{VARIABLE} is {choice!r}: leave it out, or set it to {FETCH!r} to download K3s")
    if path := shutil.which(NAME):
        return Path(path)
    return _release(PUBLISHED) if choice else None


def _release(published: PublishedProgram) -> Path:
    """Return the program of the release, downloaded by one process at a time."""
    digest = release.checksum(published)
    if digest is None:
        raise _missing(f"no checksum of it is pinned for {platform.system()} on {platform.machine()}")
    folder = paths.cache() / "releases" / f"{NAME}-{published.version}-{digest[:16]}"
    with exclusive(
        paths.cache() / "locks" / NAME, lambda: say("another process is downloading k3s; waiting for it ...")
    ):
        if not folder.exists():
            _fetch(published, folder)
    return release.program(published, folder)


def _fetch(published: PublishedProgram, folder: Path) -> None:
    try:
        keep(folder, lambda fresh: release.fetch(published, fresh))
    except release.ReleaseUnreachableError as error:
        raise _missing(f"its release could not be downloaded ({error})") from error


def _missing(why: str) -> ToolchainError:
    return ToolchainError(
        f"k3s is not on PATH, and {why}: install it (https://docs.k3s.io/installation), or leave {VARIABLE} out to run "
        "Kubernetes' own programs"
    )
