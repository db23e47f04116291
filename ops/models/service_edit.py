"""Edits of a service of a stack file that give it another model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from infra.catalog import model_catalog
from infra.errors import SettingsError
from infra.settings.engine_services import EngineService, SglangService, VllmService
from infra.settings.model import Settings
from infra.settings.presets import DEFAULT_PRESET, PRESETS
from infra.settings.quantity_types import DnsLabel
from ops.models.model_source import NamedModel
from ops.stack_file import Edit

KINDS: Final[Mapping[str, type[EngineService]]] = {"vllm": VllmService, "sglang": SglangService}
SIZES: Final = frozenset({"contextTokens", "sequences", "cacheTokens", "kvDtype", "batchedTokens"})
"""Options that a proof chooses."""
DEFAULTS: Final = {"kvDtype": "auto", "eager": True}
OF_MODEL: Final = SIZES | {
    "quantization",
    "speculative",
    "adapters",
    "adapterRank",
    "toolCallParser",
    "reasoningParser",
    "chatTemplate",
    "trustRemoteCode",
    "overhead",
    "textOnly",
    "task",
    "arguments",
}
"""Options that fit one model, and not the next one."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The service that gets a model: its fields in the stack file, None for a new one, and the model that it has."""

    name: str
    kind: str
    fields: Mapping[str, Any] | None = None
    model: str | None = None

    @property
    def options(self) -> type[EngineService]:
        return KINDS[self.kind]


def target(services: Mapping[str, Any], settings: Settings, name: str | None) -> Target:
    """Return the service *name*, or the first of kind vllm; a new one where there is none. Raises SettingsError."""
    kinds = {each: (fields or {}).get("kind", each) for each, fields in services.items()}
    name = name or next((each for each, kind in kinds.items() if kind == "vllm"), "vllm")
    if name not in services:
        return Target(name=_checked(name), kind="sglang" if name.startswith("sglang") else "vllm")
    if kinds[name] not in KINDS:
        engines = [each for each, kind in kinds.items() if kind in KINDS]
        raise SettingsError(
            f"--service: got {name}, of kind {kinds[name]}; accepted: a service of kind {' or '.join(KINDS)} "
            f"({', '.join(engines) or 'none yet'}), or a new name"
        )
    options = settings.services[name]
    model = options.model if isinstance(options, EngineService) else None
    return Target(name=name, kind=kinds[name], fields=services[name] or {}, model=model)


def kept_fields(service: Target, model: NamedModel) -> dict[str, Any]:
    """Return the fields of the service that stay, with those that the model needs. Raises SettingsError."""
    dropped = SIZES if service.model == model.name else OF_MODEL
    kept = {key: value for key, value in (service.fields or {}).items() if key not in dropped}
    if service.fields is None and service.name != service.kind:
        kept["kind"] = service.kind
    kept |= model.entry.options if model.entry else {}
    if arguments := _arguments(service, model):
        kept["arguments"] = arguments
    tasks = model.entry.tasks if model.entry else ("chat",)
    if "chat" not in tasks:
        if service.kind != "vllm":
            raise SettingsError(f"{model.name}: its task is {tasks[0]}; accepted: a service of kind vllm")
        kept["task"] = tasks[0]
    return kept


def edits(service: Target, model: NamedModel, kept: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield the edits that give the service the model with *options*."""
    fields = _with_sizes({**_first(kept, model), **_differing(options, service.fields or {})})
    path = ("services", service.name)
    if service.fields is None:
        yield Edit(path=path, value=fields)
        return
    for key, value in fields.items():
        if key not in service.fields or service.fields[key] != value:
            yield Edit(path=(*path, key), value=value)
    for key in service.fields:
        if key not in fields:
            yield Edit(path=(*path, key), action="remove")


def _first(kept: Mapping[str, Any], model: NamedModel) -> dict[str, Any]:
    """Return the fields with the model in the second place, behind the kind."""
    kind = {"kind": kept["kind"]} if "kind" in kept else {}
    return {**kind, "model": model.name, **kept} | {"model": model.name}


def _differing(options: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* without the defaults that nobody wrote down before."""
    return {key: value for key, value in options.items() if key in before or DEFAULTS.get(key) != value}


def _with_sizes(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without sizes that the preset has, or without a preset that others override."""
    preset = PRESETS.get(fields.get("preset", DEFAULT_PRESET))
    sizes = {"contextTokens", "sequences"}
    is_preset = preset and (preset.context_tokens, preset.sequences) == tuple(fields.get(key) for key in sorted(sizes))
    return {key: value for key, value in fields.items() if key not in (sizes if is_preset else {"preset"})}


def _arguments(service: Target, model: NamedModel) -> list[str]:
    """Return the service's own arguments with those that the model needs, without those of the model before."""
    own = list((service.fields or {}).get("arguments", ()))
    before = service.model if service.model in model_catalog.MODEL_SPECS else None
    own = _without(own, model_catalog.find(before).arguments if before else ())
    needed = model.entry.arguments if model.entry and service.kind == "vllm" else ()
    return [*_without(own, needed), *needed]


def _without(arguments: list[str], part: Sequence[str]) -> list[str]:
    """Return *arguments* without the first place where *part* stands in them as a whole."""
    size = len(part)
    places = [start for start in range(len(arguments)) if size and arguments[start : start + size] == list(part)]
    return arguments[: places[0]] + arguments[places[0] + size :] if places else arguments


def _checked(name: str) -> str:
    try:
        return str(TypeAdapter(DnsLabel).validate_python(name))
    except ValidationError as error:
        raise SettingsError(f"--service: got {name!r}; accepted: {error.errors()[0]['msg']}") from error
