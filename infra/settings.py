"""The settings of a stack: its `Pulumi.<stack>.yaml`, checked and typed, one section per concern."""

import difflib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, Field, SerializeAsAny, ValidationError
from pydantic_core import ErrorDetails

from infra.budget import Capacity
from infra.build_host import BUILD_KEY, BuildHost
from infra.catalogue import CATALOGUE, SECRET_KEYS
from infra.consumer_sections import Consumer
from infra.errors import SettingsError
from infra.kinds.cpu import ENGINES
from infra.options import EngineService, GatewayService, HearingService, OllamaService, Service
from infra.placement import backend_of
from infra.quantities import BUILD, Bytes, DnsLabel, Millicores, Percent
from infra.sections import Card, GpuSection, IngressSection, MonitoringSection, Section, Target
from infra.timeouts import Wait, too_short
from infra.vram import CARDS, ModelCard

PREFIX = "synapse:"
_CARDED = f"accepted: a `card` that names a built-in one (docs/vram.md), or a model described under {PREFIX}models"
SECRETS = SECRET_KEYS | {BUILD_KEY}
"""The keys of what no stack file may have in plain text."""
ROOT = Path(__file__).resolve().parent.parent
LAST_PHASE = 6
OPERATED = frozenset({"prometheus", "alertmanager", "grafana"})
"""Kinds that a Prometheus operator brings itself."""


class Node(Section):
    """The machine: what it has, and the share of it that may be planned."""

    name: DnsLabel
    """Its name in the cluster, and what tells it from other clusters."""
    memory: Bytes
    """Memory of the whole machine."""
    cpus: Millicores
    """Cores of the whole machine."""
    budget_percent: Percent = 80
    """The share of memory and cores that limits may add up to; the rest is the system's."""
    gpus: tuple[GpuSection, ...] = ()
    """Its graphics cards."""
    storage_class: DnsLabel = "local-path"
    """Where claims get their disks; K3s brings `local-path`."""
    runtime_class: DnsLabel = "nvidia"
    """The container runtime of GPU pods."""
    cpu_overcommit: int = Field(default=1, ge=1, le=32)
    """Times the CPU budget that CPU limits may add up to: cores are taken in turns, memory is not."""
    embedded: bool = False
    """It is this very machine, where `synapse up` starts a private cluster for the stack, with real pods."""
    device_plugin: bool = False
    """Bring NVIDIA's device plugin, with time-slicing where `gpus` have shares; `false` where the node has its own."""

    @property
    def capacity(self) -> Capacity:
        gpus = tuple(section.gpu() for section in self.gpus)
        return Capacity(
            memory=self.memory,
            cpu=self.cpus,
            gpus=gpus,
            budget_percent=self.budget_percent,
            cpu_overcommit=self.cpu_overcommit,
        )

    @property
    def gpu_shares(self) -> int:
        """`nvidia.com/gpu` as the device plugin reports it."""
        return self.capacity.gpu_shares


class StackFile(Section):
    """What a stack file may say, less its secrets."""

    phase: int = Field(default=LAST_PHASE, ge=1, le=LAST_PHASE)
    """The last phase to deploy: 1 CPU, 2 GPU models, 3 gateway, 4 speech, 5 policies and ingress, 6 monitoring."""
    namespace: DnsLabel = "llm-infra"
    """The namespace that everything lives in."""
    context: str | None = None
    """The kubeconfig context; the current one if left out."""
    node: Node
    """The machine."""
    registry: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)*$")
    """Where images that are built go, a host and a path; into the embedded cluster's own store if left out."""
    build_host: BuildHost | None = None
    """Where images are built that go to `registry`; on this machine if left out."""
    models: dict[str, Card] = Field(default_factory=dict)
    """Models that the built-in cards lack, by name."""
    routes: dict[str, tuple[Target, ...]] = Field(default_factory=dict)
    """Public model name -> services, in the order they are tried."""
    consumers: dict[str, Consumer] = Field(default_factory=dict)
    """The projects that use the platform, by name."""
    ingress: IngressSection | None = None
    """The gateway's public name; not reachable from outside if left out."""
    monitoring: MonitoringSection = Field(default_factory=MonitoringSection)
    """How the platform is watched."""
    services: dict[str, SerializeAsAny[Service]] = Field(min_length=1)
    """What runs on the node, by name."""


class Settings(StackFile):
    """A whole stack. Of its secrets only the names: their values stay with the engine."""

    secrets: frozenset[str]

    @property
    def cards(self) -> dict[str, ModelCard]:
        """Built-in model cards and those of the stack file, which win."""
        return {**CARDS, **{name: card.card() for name, card in self.models.items()}}


def project() -> Path:
    """The Pulumi project that commands work with: the current folder if it is one, else this checkout."""
    return Path.cwd() if Path("Pulumi.yaml").is_file() else ROOT


def load(stack: str, root: Path | None = None) -> Settings:
    """The settings in `Pulumi.<stack>.yaml` of *root*; raises SettingsError with a line for each fault."""
    config = written(stack, root)
    return parse(
        config, f"Pulumi.{stack}.yaml", lambda key: isinstance(config[key], Mapping) and "secure" in config[key]
    )


def written(stack: str, root: Path | None = None) -> Mapping[str, Any]:
    """The `config:` of a stack file as it is written. Raises SettingsError where there is none."""
    root = root or project()
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(other.name.split(".")[1] for other in root.glob("Pulumi.*.yaml"))) or "none"
        raise SettingsError(f"{path.name}: no such stack file; stacks found beside it: {known}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not valid YAML: {error}") from error
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise SettingsError(f"{path.name}: config: missing; accepted: a mapping of {PREFIX}<key> to its value")
    return config


def from_engine(config: Mapping[str, str], stack: str, is_secret: Callable[[str], bool]) -> Settings:
    """The settings that the Pulumi engine hands to the program: every value a string, objects as JSON."""
    return parse({key: _decoded(value) for key, value in config.items()}, f"Pulumi.{stack}.yaml", is_secret)


def parse(config: Mapping[str, Any], source: str, is_secret: Callable[[str], bool]) -> Settings:
    """Settings from the `config:` mapping of a stack file; keys of other projects (`kubernetes:...`) are left alone.

    *is_secret* tells of a full key (`synapse:hfToken`) whether its value is encrypted.
    Raises SettingsError, which names *source*, the key path, the value and what is accepted.
    """
    values = {key.removeprefix(PREFIX): value for key, value in config.items() if key.startswith(PREFIX)}
    secrets = SECRETS & values.keys()
    faults = [_plain_secret(key) for key in sorted(secrets) if not is_secret(PREFIX + key)]
    for key in secrets:
        del values[key]
    if isinstance(values.get("services"), Mapping):
        values["services"], found = _services(values["services"])
        faults += found
    try:
        settings = Settings(**dict(StackFile.model_validate(values)), secrets=frozenset(secrets))
    except ValidationError as error:
        settings, faults = None, [*faults, *_faults(error, StackFile)]
    if settings is not None and not faults:
        faults = list(_cross_faults(settings))
    if settings is None or faults:
        raise SettingsError("\n".join(f"{source}: {PREFIX}{fault}" for fault in faults))
    return settings


def _decoded(value: str) -> Any:  # noqa: ANN401 - JSON holds anything
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain_secret(key: str) -> str:
    return f"{key}: in plain text; accepted: a secret: pulumi config set --secret {PREFIX}{key}"


def _services(values: Mapping[str, Any]) -> tuple[dict[str, Service], list[str]]:
    """Each service read by the options of its kind, which is its own name unless it says otherwise."""
    services, faults = {}, []
    for name, value in values.items():
        fields = {} if value is None else value
        kind = fields.get("kind", name) if isinstance(fields, Mapping) else name
        if kind not in CATALOGUE:
            faults.append(
                f"services.{name}: got kind {kind!r}; accepted: {', '.join(CATALOGUE)}{_closest(kind, CATALOGUE)}"
            )
            continue
        try:
            services[name] = CATALOGUE[kind].options.model_validate(fields)
        except ValidationError as error:
            faults += _faults(error, CATALOGUE[kind].options, ("services", name))
    return services, faults


def _faults(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    return [_fault(detail, model, prefix) for detail in error.errors()]


def _fault(detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    path = ".".join(str(part) for part in (*prefix, *detail["loc"]))
    if detail["type"] == "missing":
        return f"{path}: missing; accepted: {_meaning(model, detail['loc'])}"
    if detail["type"] == "extra_forbidden":
        keys = _keys(model, detail["loc"][:-1])
        return f"{path}: unknown key; accepted: {', '.join(keys)}{_closest(str(detail['loc'][-1]), keys)}"
    accepted = detail["msg"].removeprefix("Input should be ").removeprefix("Value should have ")
    return f"{path}: got {detail['input']!r}; accepted: {accepted}"


def _closest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _meaning(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """What belongs there: the keys of a section, or what the reference says of the key."""
    if keys := _keys(model, loc):
        return f"a mapping with {', '.join(keys)}"
    section = _at(model, loc[:-1])
    fields = section.model_fields.values() if _is_section(section) else ()
    return next(
        (field.description for field in fields if field.alias == loc[-1] and field.description), "a value for it"
    )


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that a mapping at *loc* may have; empty where there is no section."""
    section = _at(model, loc)
    return [field.alias or name for name, field in section.model_fields.items()] if _is_section(section) else []


def _at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:  # noqa: ANN401 - annotations are of any shape
    """The type of what is at *loc*."""
    section: Any = model
    for part in loc:
        fields = section.model_fields if _is_section(section) else {}
        named = {field.alias or name: field.annotation for name, field in fields.items()}
        section = _section_of(named.get(str(part), section))
    return section


def _is_section(found: Any) -> bool:  # noqa: ANN401 - annotations are of any shape
    return isinstance(found, type) and issubclass(found, BaseModel)


def _section_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations are of any shape
    """The section inside `X | None`, `tuple[X, ...]` or `dict[str, X]`."""
    inner = [_section_of(part) for part in get_args(annotation)]
    sections = [part for part in inner if isinstance(part, type) and issubclass(part, BaseModel)]
    return sections[0] if sections else annotation


def _cross_faults(settings: Settings) -> Iterator[str]:
    """What two values together make wrong."""
    yield from _plugin_faults(settings.node, settings.services)
    yield from _timeout_faults(settings)
    yield from _build_faults(settings)
    for name, service in settings.services.items():
        yield from _engine_faults(name, service) or _image_faults(name, service, settings)
        if isinstance(service, GatewayService):
            yield from _auto_faults(name, service, settings.routes)
        if isinstance(service, EngineService):
            yield from _model_faults(name, service, settings.cards)
        if isinstance(service, OllamaService):
            unknown = [model.name for model in service.models if (model.card or model.name) not in settings.cards]
            yield from (f"services.{name}.models: {model!r} has no card; {_CARDED}" for model in unknown)
    yield from _monitoring_faults(settings)
    for route, targets in settings.routes.items():
        for target in targets:
            if target.service not in settings.services:
                known = ", ".join(settings.services)
                yield f"routes.{route}: got service {target.service!r}; accepted: one of services: {known}"
    for consumer, section in settings.consumers.items():
        if section.migration and section.migration.service not in settings.services:
            path, known = f"consumers.{consumer}.migration.service", ", ".join(settings.services)
            yield f"{path}: got {section.migration.service!r}; accepted: one of services: {known}"


def _build_faults(settings: Settings) -> Iterator[str]:
    if settings.build_host and not settings.registry:
        yield f"buildHost: has nowhere to push to; accepted: with {PREFIX}registry, or left out"


def _auto_faults(name: str, service: GatewayService, routes: Collection[str]) -> Iterator[str]:
    for key, model in (("autoModel", service.auto_model), ("autoCoderModel", service.auto_coder_model)):
        if model is not None and model not in routes:
            yield f"services.{name}.{key}: got {model!r}; accepted: one of routes: {', '.join(routes)}"


def _engine_faults(name: str, service: Service) -> list[str]:
    """What an engine of our own does not have: a kind, a GPU, or a vocabulary without one."""
    path, kind, is_cpu = f"services.{name}", service.kind or name, service.engine == "cpu"
    if is_cpu and kind not in ENGINES:
        return [f"{path}.engine: got 'cpu' for kind {kind}; accepted: a kind that has one: {', '.join(ENGINES)}"]
    if is_cpu and service.gpu_memory:
        return [f"{path}.gpuMemory: has no GPU to be taken of with engine: cpu; accepted: left out"]
    if isinstance(service, HearingService) and service.vocabulary and not is_cpu:
        return [f"{path}.vocabulary: got {service.vocabulary!r}; accepted: with engine: cpu, or left out"]
    return []


def _image_faults(name: str, service: Service, settings: Settings) -> Iterator[str]:
    """No image, or one that is to be built where it cannot be, or for no one."""
    path, entry = f"services.{name}.image", backend_of(name, service)
    image, pinned = service.image or entry.image, "name[:tag]@sha256:<digest>, as your registry holds it"
    if image is None:
        made = f"{BUILD}, which makes it of {entry.source}/, or " if entry.source else ""
        yield f"{path}: missing; accepted: {made}{pinned}"
    elif image == BUILD and entry.source is None:
        sources = ", ".join(kind for kind, other in CATALOGUE.items() if other.source)
        yield f"{path}: got {BUILD!r}, but not its source; accepted: {pinned}, or {BUILD} for {sources} and engine: cpu"
    elif image == BUILD and not (settings.node.embedded or settings.registry):
        yield (
            f"{path}: is built, and there is nowhere to hand it to; accepted: with {PREFIX}registry, with "
            f"{PREFIX}node.embedded: true, or {pinned}"
        )


def _plugin_faults(node: Node, services: Mapping[str, Service]) -> Iterator[str]:
    """What the device plugin cannot do: it serves every card alike, and gives a pod one share of one."""
    shares = sorted({gpu.shares for gpu in node.gpus})
    if not node.device_plugin:
        return
    if len(shares) != 1:
        found = f"with {' and '.join(map(str, shares))} shares" if shares else "none"
        yield f"node.gpus: got {found}; accepted: one or more with the same shares where devicePlugin is true"
    for name, service in services.items():
        if shares and shares[-1] > 1 and (service.gpus or 0) > 1:
            yield f"services.{name}: got {service.gpus} GPUs; accepted: 1, since a pod gets one share of one card"


def _timeout_faults(settings: Settings) -> Iterator[str]:
    for outer, inner in too_short(list(_waits(settings))):
        yield (
            f"{outer.holder}: got {outer.seconds}; accepted: {inner.seconds} or more, since so long may be taken by "
            f"what is behind it: {inner.holder}"
        )


def _waits(settings: Settings) -> Iterator[Wait[str]]:
    for name, service in settings.services.items():
        entry = CATALOGUE[service.kind or name]
        if entry.tier:
            seconds = service.timeout_s or entry.timeout_s
            yield Wait(holder=f"services.{name}.timeoutS", tier=entry.tier, seconds=seconds)
    if settings.ingress:
        yield Wait(holder="ingress.timeoutS", tier="ingress", seconds=settings.ingress.timeout_s)


def _model_faults(name: str, service: EngineService, cards: Mapping[str, ModelCard]) -> Iterator[str]:
    card = cards.get(service.model)
    if card is None:
        yield (
            f"services.{name}.model: got {service.model!r}, whose size is not known; accepted: {', '.join(cards)}, "
            f"or a model described under {PREFIX}models"
        )
    elif service.context_tokens > card.context_tokens:
        yield (
            f"services.{name}.contextTokens: got {service.context_tokens}; "
            f"accepted: at most {card.context_tokens}, the longest context of {service.model}"
        )


def _monitoring_faults(settings: Settings) -> Iterator[str]:
    """A second Prometheus beside the operator's, or a part without the one that it works for."""
    names = {service.kind or name: name for name, service in settings.services.items()}
    for kind in OPERATED & names.keys() if settings.monitoring.operator else ():
        yield (
            f"services.{names[kind]}: the operator of {PREFIX}monitoring.operator runs one already; "
            f"accepted: monitoring.operator: false, or no service of kind {', '.join(sorted(OPERATED))}"
        )
    if "grafana" in names and "prometheus" not in names:
        yield f"services.{names['grafana']}: has nothing to draw; accepted: with a service of kind prometheus"
    if settings.monitoring.webhook and "alertmanager" not in names:
        yield "monitoring.webhook: nothing sends to it; accepted: with a service of kind alertmanager"
