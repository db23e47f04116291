"""The programs that build images: Docker, nerdctl or Buildah, the first whose engine answers."""

import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from tools.errors import ImageError, ToolchainError
from tools.images.running import asked, logged
from tools.offline import debian

ASK_S: Final = 15.0
PULL_S: Final = 300.0
REMOVE_S: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Build:
    """What is to be built: a folder with a Dockerfile, under a name with a tag.

    *secrets*, id -> file, are mounted where the Dockerfile says, and are no part of the image. *caches*, folder of the
    build -> folder of this machine, spare a builder that can share them what was fetched or compiled here before.
    """

    context: Path
    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    caches: Mapping[str, Path] = field(default_factory=dict)

    @property
    def options(self) -> list[str]:
        """As all three write them."""
        arguments = [f"--build-arg={name}={value}" for name, value in self.arguments.items()]
        secrets = [f"--secret=id={name},src={path}" for name, path in self.secrets.items()]
        return [f"--tag={self.name}", *arguments, *secrets, str(self.context)]


class Builder(ABC):
    """One program that builds images; it keeps them in a store of its own."""

    program: ClassVar[str]

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def command(self) -> list[str]:
        """What each of its command lines begins with."""
        return [self.path]

    @property
    def environment(self) -> dict[str, str]:
        """What it needs beside the caller's."""
        return {}

    def build(self, build: Build, log: Path) -> None:
        """Raises ImageError, with the end of the log."""
        self._run(f"building {build.name}", ["build", *self._shared(build), *build.options], log)

    def pull(self, reference: str) -> bool:
        """Fetch an image from its registry; False where that cannot be reached, or has it not."""
        return asked([*self.command, "pull", reference], PULL_S, self.environment) is not None

    def remove(self, name: str) -> None:
        """Take an image out of its store; one that is not there is fine."""
        asked([*self.command, "rmi", name], REMOVE_S, self.environment)

    @abstractmethod
    def forget(self, before: float) -> None:
        """Take out of its store what builds left there *before* that time, in seconds since 1970."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether the image is in its store."""

    @abstractmethod
    def save(self, name: str, archive: Path, log: Path) -> None:
        """Write the image as an archive in OCI's layout. Raises ImageError."""

    @abstractmethod
    def push(self, name: str, target: str, log: Path) -> str:
        """Push the image under the name *target*; its digest there. Raises ImageError."""

    def _shared(self, build: Build) -> list[str]:  # noqa: ARG002
        """How it says which caches are shared; what has an engine keeps its own."""
        return []

    def _run(self, what: str, arguments: list[str], log: Path) -> None:
        logged(what, [*self.command, *arguments], log, self.environment)


class Docker(Builder):
    """Docker; on some machines only its client is there."""

    program: ClassVar[str] = "docker"
    question: ClassVar[str] = "version"

    def answers(self) -> bool:
        """Whether there is an engine behind it."""
        return asked([*self.command, self.question], ASK_S) is not None

    def forget(self, before: float) -> None:
        """Its engine has rules of its own for what builds leave."""

    def has(self, name: str) -> bool:
        return asked([*self.command, "image", "inspect", name], ASK_S) is not None

    def save(self, name: str, archive: Path, log: Path) -> None:
        self._run(f"saving {name}", ["save", f"--output={archive}", name], log)

    def push(self, name: str, target: str, log: Path) -> str:
        self._run(f"naming {target}", ["tag", name, target], log)
        self._run(f"pushing {target}", ["push", target], log)
        found = asked([*self.command, "image", "inspect", "--format={{json .RepoDigests}}", target], ASK_S)
        for reference in json.loads(found or "[]"):
            repository, _, digest = reference.partition("@")
            if repository == target.rpartition(":")[0]:
                return str(digest)
        raise ImageError(f"{target}: was pushed, and {self.program} does not say under which digest")


class Nerdctl(Docker):
    """containerd's own client; BuildKit, a program beside it, does the building."""

    program = "nerdctl"
    question = "info"

    def answers(self) -> bool:
        return shutil.which("buildctl") is not None and super().answers()


class Buildah(Builder):
    """Buildah, which needs no engine; its images are under *store*, and the machine's own are left alone."""

    program: ClassVar[str] = "buildah"

    def __init__(self, path: str, store: Path) -> None:
        super().__init__(path)
        self.store = store

    @property
    def command(self) -> list[str]:
        return [*_unseen(), self.path, f"--root={self.store / 'root'}", f"--runroot={self.store / 'run'}"]

    @property
    def environment(self) -> dict[str, str]:
        return {"BUILDAH_ISOLATION": "chroot", "BUILDAH_LAYERS": "true"}

    def build(self, build: Build, log: Path) -> None:
        """Nobody else builds in this store meanwhile. Raises ImageError, with the end of the log."""
        self._clear()  # after one that was killed
        try:
            super().build(build, log)
        except BaseException:
            self._clear()
            raise

    def _clear(self) -> None:
        """Take away the containers that builds worked in: Buildah leaves one where it is told to end, or killed."""
        asked([*self.command, "rm", "--all"], REMOVE_S, self.environment)

    def _shared(self, build: Build) -> list[str]:
        return [f"--volume={path}:{place}" for place, path in build.caches.items()]

    def has(self, name: str) -> bool:
        return asked([*self.command, "inspect", "--type=image", name], ASK_S, self.environment) is not None

    def save(self, name: str, archive: Path, log: Path) -> None:
        self._run(f"saving {name}", ["push", "--quiet", name, f"oci-archive:{archive}:{name}"], log)

    def forget(self, before: float) -> None:
        listing = ["images", "--filter=dangling=true", "--format={{.ID}} {{.Created}}"]
        left = asked([*self.command, *listing], ASK_S, self.environment) or ""
        for image, made in (line.split() for line in left.splitlines()):
            if float(made) < before:
                self.remove(image)  # with those that it alone was made from

    def push(self, name: str, target: str, log: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            digest = Path(folder) / "digest"
            self._run(f"pushing {target}", ["push", f"--digestfile={digest}", name, f"docker://{target}"], log)
            return digest.read_text(encoding="ascii").strip()


def _unseen() -> list[str]:
    """Mounts of its own: Buildah leaves its store mounted, and, where it is killed, what it was building."""
    unshare = shutil.which("unshare")
    return [unshare, "--mount", "--"] if unshare and os.geteuid() == 0 else []


def find(store: Path) -> Builder:
    """The first whose engine answers; Buildah is installed where it may be. Raises ImageError where there is none."""
    for kind in (Docker, Nerdctl):
        path = shutil.which(kind.program)
        if path and (builder := kind(path)).answers():
            return builder
    try:
        return Buildah(str(debian.program("buildah")), store)
    except ToolchainError as error:
        raise ImageError(
            "there is nothing here to build an image with: neither Docker nor nerdctl with BuildKit has an engine that "
            f"answers, and {error}"
        ) from error
