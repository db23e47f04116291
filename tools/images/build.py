"""Build an image from a folder, once for the same content on the same base, and keep it as an archive."""

import functools
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import paths
from tools.images import archive, base, content, host, sbom
from tools.images.builder import Build, Builder, find
from tools.locks import exclusive
from tools.progress import say

HOST: Final = "localhost"  # not a registry, so that an image is never pulled
SUFFIX: Final = "_image"
KEPT: Final = 2  # archives of each image: the current and the previous one
LONGEST_S: Final = 3600.0  # longest build; intermediate images older than this are not in use


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A source (`content`), its base, and the tag that follows from both."""

    folder: Path
    base: str
    tag: str

    @property
    def repository(self) -> str:
        return repository(self.folder)

    @property
    def tagged(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments: the base, and the environment of a source that names one."""
        environment = content.environment_of(self.folder)
        return {"BASE": self.base, **({"ENVIRONMENT": environment} if environment else {})}


def repository(folder: Path) -> str:
    """Return the name of a source's image: `gateway_image` -> `synapse-gateway`, `a_image#b` -> `synapse-a-b`."""
    words = (content.folder_of(folder).name.removesuffix(SUFFIX), content.environment_of(folder))
    return "-".join(["synapse", *filter(None, words)]).replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """A built image in the cache; *reference* is `name:tag@digest`."""

    reference: str
    archive: Path


class Images:
    """Images of this machine, under *cache*; one process builds at a time."""

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache or paths.cache() / "images"

    def build(self, folder: Path) -> BuiltImage:
        """Return the image of *folder*, built unless it exists. Raises ImageError."""
        with self._alone(folder.name):
            recipe = self._recipe(folder)
            file, name = self._archive(recipe), f"{HOST}/{recipe.tagged}"
            reference = archive.reference(file, name) or self._save(recipe, name, file)
            return BuiltImage(reference=reference, archive=file)

    def push(self, folder: Path, registry: str) -> str:
        """Push the image of *folder* to *registry* (host and path); return its reference there. Raises ImageError."""
        with self._alone(folder.name):
            recipe = self._recipe(folder)
            name, target = f"{HOST}/{recipe.tagged}", f"{registry}/{recipe.tagged}"
            if not self.builder.has(name):
                self._make(recipe, name)
            say(f"pushing {target}")
            return f"{target}@{self.builder.push(name, target, self._log(recipe))}"

    def kept(self) -> list[Path]:
        """Return the existing archives, the newest first."""
        return sorted((self.cache / "archives").glob("*.tar"), key=lambda file: -file.stat().st_mtime)

    def prune(self, keep: int) -> list[Path]:
        """Remove all but the newest *keep* of each image, also from the builder's store; return the archives."""
        with self._alone("prune"):
            return self._prune(keep)

    @functools.cached_property
    def builder(self) -> Builder:
        return find(self.cache / "store")

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        with exclusive(self.cache, lambda: say(f"{what}: another image is being built; waiting for it ...")):
            yield

    def _recipe(self, folder: Path) -> Recipe:
        content.files(folder)  # refuse a wrong folder before anything is pulled
        chosen = base.choose(content.base(folder), self.builder, self.cache / "logs")
        return Recipe(folder=folder.resolve(), base=chosen, tag=content.digest(folder, chosen))

    def _prune(self, keep: int) -> list[Path]:
        counts = Counter[str]()
        removed = []
        for file in self.kept():
            repository, _, tag = file.stem.rpartition("-")
            counts[repository] += 1
            if counts[repository] > keep:
                self.builder.remove(f"{HOST}/{repository}:{tag}")
                file.unlink()
                sbom.file(file).unlink(missing_ok=True)
                removed.append(file)
        oldest = min((file.stat().st_mtime for file in self.kept()), default=math.inf)
        self.builder.forget(oldest - LONGEST_S)
        return removed

    def _save(self, recipe: Recipe, name: str, file: Path) -> str:
        self._make(recipe, name)
        file.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".saving-") as scratch:
            saved, sealed = Path(scratch) / "saved.tar", Path(scratch) / "sealed.tar"
            self.builder.save(name, saved, self._log(recipe))
            reference = archive.seal(saved, name, sealed)
            sealed.rename(file)
        sbom.write(file, self._log(recipe))
        self._prune(KEPT)
        say(f"{name}: {file.stat().st_size / 2**20:.0f} MiB, with {self.builder.program}")
        return reference

    def _make(self, recipe: Recipe, name: str) -> None:
        say(f"building {name} with {self.builder.program} ...")
        with tempfile.TemporaryDirectory(prefix="synapse-image-") as scratch:
            context, secrets = Path(scratch) / "context", Path(scratch) / "secrets"
            content.copy(recipe.folder, context)
            build = Build(
                context=context,
                name=name,
                arguments=recipe.arguments,
                secrets=host.secrets(secrets),
                caches=host.caches(base.SUITE),
            )
            self.builder.build(build, self._log(recipe))

    def _archive(self, recipe: Recipe) -> Path:
        return self.cache / "archives" / f"{recipe.tagged.replace(':', '-')}.tar"

    def _log(self, recipe: Recipe) -> Path:
        return self.cache / "logs" / f"{recipe.repository}.log"
