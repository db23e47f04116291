"""Find a program, or make it: on PATH, in the cache, as a checked release, or built from pinned Go modules."""

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
ASK_S = 30.0  # a busy machine may take seconds to start a program of 100 MB


class Origin(StrEnum):
    """Where a program came from."""

    PATH = "path"
    RELEASE = "cache-release"
    BUILT = "built"


@dataclass(frozen=True, kw_only=True)
class ResolvedProgram:
    """A program that is there and has an acceptable version."""

    name: str
    path: Path
    origin: Origin
    version: str


def tool(name: str) -> Path:
    """The executable of one of the pinned programs; made first where it must be, which can take minutes.

    Raises ToolchainError where it cannot be had.
    """
    return resolve(name).path


def resolve(name: str) -> ResolvedProgram:
    """Like `tool`, with where the program came from and its version."""
    return Toolchain(paths.cache()).resolve(name)


@dataclass(frozen=True)
class Toolchain:
    """The pinned programs, kept under `cache` in folders named after everything they were made from."""

    cache: Path
    pins: Mapping[str, Pin] = field(default_factory=lambda: PINS)

    def resolve(self, name: str) -> ResolvedProgram:
        """Find or make the program `name`; two processes that need it make it once."""
        pin = self._pin(name)
        return self.find(name) or self._make(pin)

    def find(self, name: str) -> ResolvedProgram | None:
        """The program where it is already on this machine; never downloads or builds."""
        pin = self._pin(name)
        return _on_path(pin) or self._cached(pin)

    def _pin(self, name: str) -> Pin:
        if name not in self.pins:
            raise ToolchainError(f"no pinned program is called {name}; there are {', '.join(self.pins)}")
        return self.pins[name]

    def _cached(self, pin: Pin) -> ResolvedProgram | None:
        for origin in (Origin.RELEASE, Origin.BUILT):
            found = self._resolved(pin, origin)
            if found and os.access(found.path, os.X_OK):
                return found
        return None

    def _make(self, pin: Pin) -> ResolvedProgram:
        lock = self.cache / "locks" / pin.source.module.name  # its programs may come out of one download
        with exclusive(lock, lambda: say(f"another process is making {pin.name} or its like; waiting for it ...")):
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
            say(f"{pin.name} {pin.version}: no release from here ({error})")
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


def keep(place: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a fresh folder, then move it into `place` whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as scratch:
        fresh = Path(scratch) / place.name
        fresh.mkdir()
        fill(fresh)
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)


def _on_path(pin: Pin) -> ResolvedProgram | None:
    found = shutil.which(pin.name)
    if found is None:
        return None
    path = Path(found).absolute()
    version = _version(path, path.stat().st_mtime_ns, pin.ask)
    if version is None or not pin.at_least <= _numbers(version) < pin.below:
        return None
    return ResolvedProgram(name=pin.name, path=path, origin=Origin.PATH, version=version)


@functools.lru_cache
def _version(path: Path, changed_ns: int, ask: str) -> str | None:  # noqa: ARG001 (a replaced program is asked again)
    """What a program says its version is; None where it says nothing of the kind."""
    quiet = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run([path, ask], capture_output=True, text=True, env=quiet, timeout=ASK_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(answer.stdout)
    return match.group() if match else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
