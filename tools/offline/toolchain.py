"""Find a pinned program on PATH or in the cache, else download its release or build it from Go modules."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tools import paths
from tools.errors import ToolchainError
from tools.locks import exclusive
from tools.offline import gobuild, release
from tools.offline.pins import PINS, Pin
from tools.progress import say

VERSION = re.compile(r"\d+\.\d+\.\d+")
QUERY_S = 30.0  # a busy machine may take seconds to start a program of 100 MB


class Origin(StrEnum):
    """Source of a program."""

    PATH = "path"
    RELEASE = "cache-release"
    BUILT = "built"


@dataclass(frozen=True, kw_only=True)
class ResolvedProgram:
    """An existing program with an accepted version."""

    name: str
    path: Path
    origin: Origin
    version: str


def tool(name: str) -> Path:
    """Return the executable of a pinned program, downloaded or built first where needed, which can take minutes.

    Raises ToolchainError where that fails.
    """
    return resolve(name).path


def resolve(name: str) -> ResolvedProgram:
    """Return the program of `tool` with its source and version."""
    return Toolchain(paths.cache()).resolve(name)


@dataclass(frozen=True)
class Toolchain:
    """Pinned programs, kept under `cache` in folders that are named by a key of their source."""

    cache: Path
    pins: Mapping[str, Pin] = field(default_factory=lambda: PINS)

    def resolve(self, name: str) -> ResolvedProgram:
        """Find or make the program `name`; one process at a time makes it."""
        pin = self._pin(name)
        return self.find(name) or self._make(pin)

    def find(self, name: str) -> ResolvedProgram | None:
        """Return the program where it is already on this machine; never download or build."""
        pin = self._pin(name)
        return _on_path(pin) or self._cached(pin)

    def _pin(self, name: str) -> Pin:
        if name not in self.pins:
            raise ToolchainError(f"no pinned program is called {name}; accepted: {', '.join(self.pins)}")
        return self.pins[name]

    def _cached(self, pin: Pin) -> ResolvedProgram | None:
        for origin in (Origin.RELEASE, Origin.BUILT):
            program = self._resolved(pin, origin)
            if program and os.access(program.path, os.X_OK):
                return program
        return None

    def _make(self, pin: Pin) -> ResolvedProgram:
        lock = self.cache / "locks" / pin.source.module.name  # programs of one module may come from one download
        with exclusive(
            lock,
            lambda: say(f"another process is making {pin.name} or a program of its module; waiting ..."),
        ):
            made = self._cached(pin) or self._released(pin) or self._built(pin)
        if made is None:
            raise ToolchainError(f"{pin.name} {pin.version} was made but is not in {self.cache}")
        return made

    def _released(self, pin: Pin) -> ResolvedProgram | None:
        if release.checksum(pin) is None:
            return None
        try:
            keep(self._folder(pin, Origin.RELEASE), lambda folder: release.fetch(pin, folder))
        except release.ReleaseUnreachableError as error:
            say(f"{pin.name} {pin.version}: no release can be downloaded ({error})")
        return self._cached(pin)

    def _built(self, pin: Pin) -> ResolvedProgram | None:
        log = self.cache / "logs" / f"{pin.name}-{pin.version}.log"
        keep(self._folder(pin, Origin.BUILT), lambda folder: gobuild.build(pin, folder / pin.name, log))
        return self._cached(pin)

    def _folder(self, pin: Pin, origin: Origin) -> Path:
        if origin is Origin.BUILT:
            return self.cache / "built" / f"{pin.name}-{pin.version}-{gobuild.key(pin.source)}"
        return self.cache / "releases" / f"{pin.source.module.name}-{pin.version}-{(release.checksum(pin) or '')[:16]}"

    def _resolved(self, pin: Pin, origin: Origin) -> ResolvedProgram | None:
        if origin is Origin.RELEASE and release.checksum(pin) is None:
            return None
        folder = self._folder(pin, origin)
        path = folder / pin.name if origin is Origin.BUILT else release.program(pin, folder)
        return ResolvedProgram(name=pin.name, path=path, origin=origin, version=pin.version)


def keep(target: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a new folder, then rename it to `target`, so that `target` is always complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as scratch:
        fresh = Path(scratch) / target.name
        fresh.mkdir()
        fill(fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)


def _on_path(pin: Pin) -> ResolvedProgram | None:
    executable = shutil.which(pin.name)
    if executable is None:
        return None
    path = Path(executable).absolute()
    version = _version(path, path.stat().st_mtime_ns, pin.ask)
    if version is None or not pin.at_least <= _numbers(version) < pin.below:
        return None
    return ResolvedProgram(name=pin.name, path=path, origin=Origin.PATH, version=version)


@functools.lru_cache
def _version(path: Path, changed_ns: int, ask: str) -> str | None:  # noqa: ARG001 (a replaced program is queried again)
    """Return the version that a program prints; None where it prints none."""
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run([path, ask], capture_output=True, text=True, env=quiet, timeout=QUERY_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(done.stdout)
    return match.group() if match else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
