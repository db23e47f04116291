"""The settings of a stack: its `Pulumi.<stack>.yaml`, checked and typed, one section per concern."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SerializeAsAny, ValidationError

from infra.catalog.kinds import CATALOGUE, SECRET_KEYS
from infra.errors import SettingsError
from infra.quantities import Bytes, DnsLabel, Millicores, Percent
from infra.settings.build_host import BUILD_KEY, BuildHost
from infra.settings.consumers import Consumer
from infra.settings.error_messages import closest
from infra.settings.error_messages import faults as faults_of
from infra.settings.schema import PREFIX, Card, GpuSection, IngressSection, MonitoringSection, Section, Target
from infra.settings.services import Service
from infra.settings.validation import disagreements
from infra.sizing.budget import Capacity
from infra.sizing.vram import CARDS, ModelCard

SECRETS = SECRET_KEYS | {BUILD_KEY}
"""The keys of what no stack file may have in plain text."""
ROOT = Path(__file__).resolve().parents[2]
LAST_PHASE = 6


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
    """The kubeconfig context; the current one if left out. A private cluster or twin answers to it too."""
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
        settings, faults = None, [*faults, *faults_of(error, StackFile)]
    if settings is not None and not faults:
        faults = list(disagreements(settings))
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
                f"services.{name}: got kind {kind!r}; accepted: {', '.join(CATALOGUE)}{closest(kind, CATALOGUE)}"
            )
            continue
        try:
            services[name] = CATALOGUE[kind].options.model_validate(fields)
        except ValidationError as error:
            faults += faults_of(error, CATALOGUE[kind].options, ("services", name))
    return services, faults
