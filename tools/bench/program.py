"""Build the Go program of the benchmark, stub and load client in one, once for each state of its sources."""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.offline.gobuild import READONLY
from tools.offline.pins import MODULES
from tools.progress import say

SOURCES = MODULES / "bench"


@functools.cache
def program() -> Path:
    """Return the executable, built first where it is missing. Raises ToolchainError where that fails."""
    target = paths.cache() / "built" / f"bench-{_key()}" / "bench"
    with exclusive(paths.cache() / "locks/bench", lambda: say("another process builds the benchmark's program ...")):
        if not target.exists():
            _build(target)
    return target


def _key() -> str:
    """Return a key of everything that the program is built from, except the Go release."""
    digest = hashlib.sha256(platform.machine().encode())
    for path in sorted((*SOURCES.glob("*.go"), SOURCES / "go.mod")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ToolchainError("the benchmark's stub and load client are built with Go 1.21 or newer: install it")
    say("building the benchmark's stub and load client ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(fresh), "."]
    done = subprocess.run(
        command, cwd=SOURCES, env=os.environ | READONLY, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise ToolchainError(f"building the benchmark's program failed:\n{done.stderr.decode(errors='replace')}")
    fresh.replace(target)
