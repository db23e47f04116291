"""What a pin is: a program, its version, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parents[1] / "go"
GO_ARCH: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Release:
    """An official download for Linux; `{arch}` in a text is the publisher's word for this machine."""

    url: str
    program: str | None = None  # its path inside the archive; without it the download is the program
    only: tuple[str, ...] = ()  # what to keep of the archive; all of it where nothing is named
    arch: Mapping[str, str]  # by `platform.machine()`, as GO_ARCH is
    checksum: Mapping[str, str] = field(default_factory=dict)  # sha256 or sha512 in hex, told by its length


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Files that a module's publisher makes before each build, where it has none of them or we want others."""

    module: str
    files: Mapping[str, str]  # their content, by their path in the module


@dataclass(frozen=True, kw_only=True)
class GoPackage:
    """A main package of one of our Go modules."""

    module: Path  # the folder of its go.mod and go.sum
    package: str
    version: str = ""  # of its Go module, where that is numbered otherwise
    tags: tuple[str, ...] = ()  # what to leave out of it, and what to keep
    variables: Mapping[str, str] = field(default_factory=dict)  # set at link time, as the publisher does
    patch: Patch | None = None
    minutes: int  # roughly, on two cores with nothing cached


@dataclass(frozen=True, kw_only=True)
class PublishedProgram:
    """One version of a program, and its release."""

    name: str
    version: str
    release: Release


@dataclass(frozen=True, kw_only=True)
class Pin(PublishedProgram):
    """One program: the version we run, and the versions found on PATH that do as well."""

    at_least: tuple[int, ...]
    below: tuple[int, ...]
    ask: str = "--version"  # the argument that makes it print its version
    source: GoPackage


def built(name: str, version: str, source: GoPackage) -> Pin:
    """A program that is built, since no checksum of a release is pinned.

    One on PATH does only where it is this very version: it may end up in an image, which has nothing but the program.
    """
    numbers = tuple(map(int, version.split(".")))
    below = (*numbers[:-1], numbers[-1] + 1)
    release = Release(url="", arch=GO_ARCH)
    return Pin(name=name, version=version, at_least=numbers, below=below, release=release, source=source)
