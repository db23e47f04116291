"""The models that are built in, one data file each in `infra/catalog/models`, read when a model is named.

A file has the figures of the repository's `config.json` that decide memory, under the names that they have there, and
what no config says: the size of the weights, the licence, and where the model was seen running.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from infra.errors import ModelFileError
from infra.sizing.specs import config_spec
from infra.sizing.specs.model_config import ModelConfig
from infra.sizing.specs.model_spec import ModelSpec

FOLDER: Final = Path(__file__).parent / "models"
SEPARATOR: Final = "--"
"""In the name of a file, in place of the slash of a repository."""
INHERITED: Final[tuple[str, ...]] = ("config", "parameters", "vision", "tasks")
"""Keys that a file takes from the model that it is like."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A start of a model that somebody published: on *gpus* cards, with these options, or one that failed."""

    card: str
    source: str
    gpus: int = 1
    context: int | None = None
    sequences: int | None = None
    kv_dtype: str | None = None
    eager: bool | None = None
    batched_tokens: int | None = None
    text_only: bool = False


@dataclass(frozen=True, kw_only=True)
class CatalogModel:
    """A model of the catalog, by its repository on the Hugging Face hub."""

    name: str
    spec: ModelSpec
    source: str  # where its figures are from
    tasks: tuple[str, ...] = ("chat",)
    options: Mapping[str, Any] = field(default_factory=dict)  # keys of a service that it needs
    arguments: tuple[str, ...] = ()  # arguments of vLLM that it needs
    seen: tuple[Sighting, ...] = ()


def find(name: str) -> CatalogModel:
    """Return the model *name*. Raises KeyError for one that is not in the catalog."""
    if not _path(name).is_file():
        raise KeyError(name)
    return _load(name)


def names() -> tuple[str, ...]:
    """Return the names of all models, sorted."""
    return _names()


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem.replace(SEPARATOR, "/", 1) for path in FOLDER.glob("*.yaml")))


def _path(name: str) -> Path:
    return FOLDER / f"{name.replace('/', SEPARATOR)}.yaml"


@cache
def _load(name: str) -> CatalogModel:
    values = document(name)
    spec = config_spec.model_spec(
        ModelConfig(str(_path(name).name), _config(values)), int(values["parameters"]), values.get("stored")
    )
    return CatalogModel(
        name=name,
        spec=replace(
            spec,
            gated=bool(values.get("gated")),
            licence=values["licence"],
            vision=spec.vision or int(bool(values.get("vision"))),
            unquantised=int(values.get("unquantised", 0)),
        ),
        source=values["source"],
        tasks=tuple(values.get("tasks", ("chat",))),
        options=values.get("options", {}),
        arguments=tuple(values.get("arguments", ())),
        seen=tuple(Sighting(**each) for each in values.get("seen", ())),
    )


def document(name: str) -> dict[str, Any]:
    """Return the file of the model *name*, with the figures of the model that it is like. Raises ModelFileError."""
    path = _path(name)
    values = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    if not isinstance(values, dict):
        raise ModelFileError(f"{path}: not a mapping")
    inherited = document(values["like"]) if "like" in values else {}
    return {key: inherited[key] for key in INHERITED if key in inherited} | values


def _config(values: Mapping[str, Any]) -> dict[str, Any]:
    quantization = values.get("quantization_config")
    return {**values["config"], "quantization_config": quantization} if quantization else dict(values["config"])


class ModelSpecs(Mapping[str, ModelSpec]):
    """Model specs by name: *own* ones, then those of the catalog."""

    def __init__(self, own: Mapping[str, ModelSpec]) -> None:
        self._own = own

    def __getitem__(self, name: str) -> ModelSpec:
        return self._own[name] if name in self._own else find(name).spec

    def __contains__(self, name: object) -> bool:
        return name in self._own or (isinstance(name, str) and _path(name).is_file())

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*names(), *self._own]))

    def __len__(self) -> int:
        return len({*names(), *self._own})


MODEL_SPECS: Final[Mapping[str, ModelSpec]] = ModelSpecs({})
"""Repository on the Hugging Face hub -> spec."""
