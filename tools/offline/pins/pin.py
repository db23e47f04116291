"""Data of a pin: a program, its version and its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parents[1] / "go"
GO_ARCH: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Release:
    """An official download for Linux; `{arch}` in a text is the publisher's name of the architecture."""

    url: str
    program: str | None = None  # path inside the archive; None: the download is the program
    only: tuple[str, ...] = ()  # members to keep of the archive; empty: all
    arch: Mapping[str, str]  # by `platform.machine()`, as GO_ARCH is
    checksum: Mapping[str, str] = field(default_factory=dict)  # sha256 or sha512 in hex, by its length


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Files to add to or replace in a module; its publisher generates them before a build."""

    module: str
    files: Mapping[str, str]  # their content, by their path in the module


@dataclass(frozen=True, kw_only=True)
class GoPackage:
    """A main package of one of our Go modules."""

    module: Path  # folder of go.mod and go.sum
    package: str
    version: str = ""  # of the Go module, where it differs from the program's
    tags: tuple[str, ...] = ()  # build tags
    variables: Mapping[str, str] = field(default_factory=dict)  # set at link time, as the publisher does
    patch: Patch | None = None
    minutes: int  # roughly, on two cores with nothing cached


@dataclass(frozen=True, kw_only=True)
class PublishedProgram:
    """A version of a program with its release."""

    name: str
    version: str
    release: Release


@dataclass(frozen=True, kw_only=True)
class Pin(PublishedProgram):
    """A pinned program: the version to run, and the versions on PATH that are accepted."""

    at_least: tuple[int, ...]
    below: tuple[int, ...]
    ask: str = "--version"  # argument that prints the version
    source: GoPackage


def built(name: str, version: str, source: GoPackage) -> Pin:
    """Return a pin of a program that is built, since no checksum of a release is pinned.

    A program on PATH is accepted only in this exact version: it may become the content of an image.
    """
    numbers = tuple(map(int, version.split(".")))
    below = (*numbers[:-1], numbers[-1] + 1)
    release = Release(url="", arch=GO_ARCH)
    return Pin(name=name, version=version, at_least=numbers, below=below, release=release, source=source)
