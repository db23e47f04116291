"""A model by its name: from the stack file, from files of this machine, from the catalog, or from the hub."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from infra.catalog import model_catalog
from infra.catalog.model_catalog import CatalogModel
from infra.errors import ModelFileError
from infra.settings.model import Settings
from infra.sizing.specs import model_files
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.specs.safetensors import CONFIG, INDEX
from infra.sizing.weights import stored_weights
from ops.models import remote_spec
from ops.models.inventory import ENDING

CATALOG: Final = "catalog"
STACK: Final = "stack file"
CLOSE: Final = 3
"""Names that an error suggests."""


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """A model with its spec and the bytes of its weights as they are published."""

    name: str
    spec: ModelSpec
    stored: int
    source: str  # where the figures are from: CATALOG, STACK, a path, or an address
    entry: CatalogModel | None = None  # what the catalog says about it beside the spec

    @property
    def has_spec(self) -> bool:
        """True where a stack file needs no figures of the model."""
        return self.source in {CATALOG, STACK}


def resolve(name: str, files: Path | None = None, own: Mapping[str, ModelSpec] | None = None) -> NamedModel:
    """Return the model *name*, with the figures of *files* where they are given, else of *own*, a stack file's.

    Raises ModelFileError.
    """
    full = full_name(name, own or {})
    if files:
        return _of_files(full, files)
    if own and full in own:
        return _of_spec(full, own[full], STACK)
    if full in model_catalog.MODEL_SPECS:
        return _of_spec(full, model_catalog.find(full).spec, CATALOG)
    if remote_spec.is_remote(full):
        return _of_hub(full)
    raise ModelFileError(f"{name}: not a model of the catalog{suggestions(name)}; accepted: OWNER/NAME of the hub")


def of_argument(argument: str, files: Path | None = None) -> NamedModel:
    """Return the model that *argument* names: a path of this machine, or a name. Raises ModelFileError."""
    path = Path(argument)
    if files or not (path.exists() or _is_path(argument)):
        return resolve(argument, files)
    spec, stored = model_files.model_spec(path)
    return NamedModel(name=argument, spec=spec, stored=stored, source=argument)


def own_specs(settings: Settings) -> dict[str, ModelSpec]:
    """Return the model specs of a stack file by name. Raises ModelFileError."""
    return {name: section.model_spec() for name, section in settings.models.items()}


def full_name(name: str, own: Mapping[str, ModelSpec]) -> str:
    """Return *name* with its owner, where one model of *own* or of the catalog has it, in any case."""
    if name in own or name in model_catalog.MODEL_SPECS:
        return name
    candidates = dict.fromkeys([*own, *model_catalog.names()])
    lower = name.lower()
    for matches in (
        [each for each in candidates if each.lower() == lower],
        [each for each in candidates if each.rpartition("/")[2].lower() == lower],
    ):
        if len(matches) > 1:
            raise ModelFileError(f"{name}: several models have this name; accepted: {', '.join(matches)}")
        if matches:
            return matches[0]
    return name


def suggestions(name: str) -> str:
    """Return ` (did you mean ...?)` with the closest names of the catalog; empty where none is close."""
    bases = {each.rpartition("/")[2].lower(): each for each in model_catalog.names()}
    close = difflib.get_close_matches(name.rpartition("/")[2].lower(), bases, n=CLOSE)
    return f" (did you mean {' or '.join(bases[each] for each in close)}?)" if close else ""


def _is_path(argument: str) -> bool:
    """Return True for an argument that can only be a path."""
    is_file = argument.endswith((".json", ENDING)) and not remote_spec.is_remote(argument)
    return argument.startswith((".", "/", "~")) or is_file


def _of_files(name: str, files: Path) -> NamedModel:
    """Return the model with the figures of *files*; the catalog adds what no file says."""
    if not files.exists():
        raise ModelFileError(
            f"--from: {files} does not exist; accepted: a folder with {CONFIG} and {INDEX} of the model"
        )
    spec, stored = model_files.model_spec(files)
    entry = model_catalog.find(name) if name in model_catalog.MODEL_SPECS else None
    if entry:
        spec = replace(spec, gated=entry.spec.gated, licence=entry.spec.licence)
    return NamedModel(name=name, spec=spec, stored=stored, source=str(files), entry=entry)


def _of_spec(name: str, spec: ModelSpec, source: str) -> NamedModel:
    entry = model_catalog.find(name) if name in model_catalog.MODEL_SPECS else None
    return NamedModel(name=name, spec=spec, stored=stored_weights(spec, "bfloat16"), source=source, entry=entry)


def _of_hub(name: str) -> NamedModel:
    try:
        spec, stored = remote_spec.read(name)
    except ModelFileError as error:
        raise ModelFileError(f"{error}{suggestions(name)}") from error
    return NamedModel(name=name, spec=spec, stored=stored, source="hub")
