"""From a folder to an image: built once for the same content on the same base, and kept as an archive."""

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

HOST: Final = "localhost"  # no registry: what is not on the node is pulled from nowhere
SUFFIX: Final = "_image"
KEPT: Final = 2  # of each image: what runs, and what ran before it
LONGEST_S: Final = 3600.0  # that a build takes: what an image was made of, and the next one is made of, is no older


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A folder, the base it is built on, and the tag that both give the image."""

    folder: Path
    base: str
    tag: str

    @property
    def repository(self) -> str:
        """`gateway_image` -> `synapse-gateway`."""
        return f"synapse-{self.folder.name.removesuffix(SUFFIX).replace('_', '-')}"

    @property
    def tagged(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image as it lies in the cache; *reference* is `name:tag@digest`."""

    reference: str
    archive: Path


class Images:
    """The images of this machine, under *cache*; whoever comes while one is built waits."""

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache or paths.cache() / "images"

    def build(self, folder: Path) -> BuiltImage:
        """The image of *folder*, built unless it is there. Raises ImageError."""
        with self._alone(folder.name):
            recipe = self._recipe(folder)
            file, name = self._archive(recipe), f"{HOST}/{recipe.tagged}"
            reference = archive.reference(file, name) or self._save(recipe, name, file)
            return BuiltImage(reference=reference, archive=file)

    def push(self, folder: Path, registry: str) -> str:
        """Push the image of *folder* to *registry*, a host and a path; its reference there. Raises ImageError."""
        with self._alone(folder.name):
            recipe = self._recipe(folder)
            name, target = f"{HOST}/{recipe.tagged}", f"{registry}/{recipe.tagged}"
            if not self.builder.has(name):
                self._make(recipe, name)
            say(f"pushing {target}")
            return f"{target}@{self.builder.push(name, target, self._log(recipe))}"

    def kept(self) -> list[Path]:
        """The archives that are there, the newest first."""
        return sorted((self.cache / "archives").glob("*.tar"), key=lambda file: -file.stat().st_mtime)

    def prune(self, keep: int) -> list[Path]:
        """Remove all but the newest *keep* of each image, from the builder's store too; what was removed."""
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
        content.files(folder)  # a folder that is none is said before anything is fetched
        chosen = base.choose(content.base(folder), self.builder, self.cache / "logs")
        return Recipe(folder=folder.resolve(), base=chosen, tag=content.digest(folder, chosen))

    def _prune(self, keep: int) -> list[Path]:
        seen = Counter[str]()
        removed = []
        for file in self.kept():
            repository, _, tag = file.stem.rpartition("-")
            seen[repository] += 1
            if seen[repository] > keep:
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
                arguments={"BASE": recipe.base},
                secrets=host.secrets(secrets),
                caches=host.caches(base.SUITE),
            )
            self.builder.build(build, self._log(recipe))

    def _archive(self, recipe: Recipe) -> Path:
        return self.cache / "archives" / f"{recipe.tagged.replace(':', '-')}.tar"

    def _log(self, recipe: Recipe) -> Path:
        return self.cache / "logs" / f"{recipe.repository}.log"
