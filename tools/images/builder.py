"""Programs that build images: Docker, nerdctl or Buildah, the first whose engine responds."""

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
from tools.images.subprocesses import logged, output_of
from tools.offline import debian

QUERY_S: Final = 15.0
PULL_S: Final = 300.0
REMOVE_S: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build request: a folder with a Dockerfile, and a name with a tag.

    *secrets* (id -> file) are mounted where the Dockerfile says, and are not part of the image. *caches* (folder of the
    build -> folder of this machine) are shared with builders that can use them.
    """

    context: Path
    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    caches: Mapping[str, Path] = field(default_factory=dict)

    @property
    def options(self) -> list[str]:
        """Options of the build command, the same for all builders."""
        arguments = [f"--build-arg={name}={value}" for name, value in self.arguments.items()]
        secrets = [f"--secret=id={name},src={path}" for name, path in self.secrets.items()]
        return [f"--tag={self.name}", *arguments, *secrets, str(self.context)]


class Builder(ABC):
    """A program that builds images and keeps them in its own store."""

    program: ClassVar[str]

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def command(self) -> list[str]:
        """First words of each command line."""
        return [self.path]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables in addition to the caller's."""
        return {}

    def build(self, build: Build, log: Path) -> None:
        """Build the image. Raises ImageError, with the end of the log."""
        self._run(f"building {build.name}", ["build", *self._shared(build), *build.options], log)

    def pull(self, reference: str) -> bool:
        """Pull an image; return False where its registry cannot be reached or lacks it."""
        return output_of([*self.command, "pull", reference], PULL_S, self.environment) is not None

    def remove(self, name: str) -> None:
        """Remove an image from the store, if it is there."""
        output_of([*self.command, "rmi", name], REMOVE_S, self.environment)

    @abstractmethod
    def forget(self, before: float) -> None:
        """Remove intermediate images from the store that are older than *before*, in seconds since 1970."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Return whether the image is in the store."""

    @abstractmethod
    def save(self, name: str, archive: Path, log: Path) -> None:
        """Write the image as an archive in OCI's layout. Raises ImageError."""

    @abstractmethod
    def push(self, name: str, target: str, log: Path) -> str:
        """Push the image under the name *target*; return its digest there. Raises ImageError."""

    def _shared(self, build: Build) -> list[str]:  # noqa: ARG002
        """Return the options for shared caches; builders with an engine keep their own caches."""
        return []

    def _run(self, what: str, arguments: list[str], log: Path) -> None:
        logged(what, [*self.command, *arguments], log, self.environment)


class Docker(Builder):
    """Docker; some machines have only its client."""

    program: ClassVar[str] = "docker"
    query: ClassVar[str] = "version"

    def responds(self) -> bool:
        """Return whether its engine responds."""
        return output_of([*self.command, self.query], QUERY_S) is not None

    def forget(self, before: float) -> None:
        """Do nothing: the engine cleans up by its own rules."""

    def has(self, name: str) -> bool:
        return output_of([*self.command, "image", "inspect", name], QUERY_S) is not None

    def save(self, name: str, archive: Path, log: Path) -> None:
        self._run(f"saving {name}", ["save", f"--output={archive}", name], log)

    def push(self, name: str, target: str, log: Path) -> str:
        self._run(f"naming {target}", ["tag", name, target], log)
        self._run(f"pushing {target}", ["push", target], log)
        digests = output_of([*self.command, "image", "inspect", "--format={{json .RepoDigests}}", target], QUERY_S)
        for reference in json.loads(digests or "[]"):
            repository, _, digest = reference.partition("@")
            if repository == target.rpartition(":")[0]:
                return str(digest)
        raise ImageError(f"{target}: was pushed, and {self.program} reports no digest for it")


class Nerdctl(Docker):
    """nerdctl, containerd's client; it needs BuildKit."""

    program = "nerdctl"
    query = "info"

    def responds(self) -> bool:
        return shutil.which("buildctl") is not None and super().responds()


class Buildah(Builder):
    """Buildah, which needs no engine; its images are under *store*, apart from the machine's own."""

    program: ClassVar[str] = "buildah"

    def __init__(self, path: str, store: Path) -> None:
        super().__init__(path)
        self.store = store

    @property
    def command(self) -> list[str]:
        return [*_private_mounts(), self.path, f"--root={self.store / 'root'}", f"--runroot={self.store / 'run'}"]

    @property
    def environment(self) -> dict[str, str]:
        return {"BUILDAH_ISOLATION": "chroot", "BUILDAH_LAYERS": "true"}

    def build(self, build: Build, log: Path) -> None:
        """Build the image; the caller has locked the store. Raises ImageError, with the end of the log."""
        self._clear()  # left by a killed build
        try:
            super().build(build, log)
        except BaseException:
            self._clear()
            raise

    def _clear(self) -> None:
        """Remove the working containers of builds: Buildah leaves them behind when it is ended or killed."""
        output_of([*self.command, "rm", "--all"], REMOVE_S, self.environment)

    def _shared(self, build: Build) -> list[str]:
        return [f"--volume={path}:{target}" for target, path in build.caches.items()]

    def has(self, name: str) -> bool:
        return output_of([*self.command, "inspect", "--type=image", name], QUERY_S, self.environment) is not None

    def save(self, name: str, archive: Path, log: Path) -> None:
        self._run(f"saving {name}", ["push", "--quiet", name, f"oci-archive:{archive}:{name}"], log)

    def forget(self, before: float) -> None:
        listing = ["images", "--filter=dangling=true", "--format={{.ID}} {{.Created}}"]
        listed = output_of([*self.command, *listing], QUERY_S, self.environment) or ""
        for image, made in (line.split() for line in listed.splitlines()):
            if float(made) < before:
                self.remove(image)  # removes its unused parents too

    def push(self, name: str, target: str, log: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            digest = Path(folder) / "digest"
            self._run(f"pushing {target}", ["push", f"--digestfile={digest}", name, f"docker://{target}"], log)
            return digest.read_text(encoding="ascii").strip()


def _private_mounts() -> list[str]:
    """Return the prefix for a private mount namespace: Buildah would leave its mounts on the machine."""
    unshare = shutil.which("unshare")
    return [unshare, "--mount", "--"] if unshare and os.geteuid() == 0 else []


def find(store: Path) -> Builder:
    """Return the first builder whose engine responds; Buildah is installed for root. Raises ImageError without one."""
    for kind in (Docker, Nerdctl):
        path = shutil.which(kind.program)
        if path and (builder := kind(path)).responds():
            return builder
    try:
        return Buildah(str(debian.program("buildah")), store)
    except ToolchainError as error:
        raise ImageError(
            "no program here can build an image: neither Docker nor nerdctl with BuildKit has an engine that "
            f"responds, and {error}"
        ) from error
