"""The settings of a stack as types: the node, the stack file, and the stack file with the names of its secrets."""

from pathlib import Path

from pydantic import Field, SerializeAsAny

from infra.catalog.kinds import SECRET_KEYS
from infra.quantities import Bytes, DnsLabel, Millicores, Percent
from infra.settings.build_host import BUILD_KEY, BuildHost
from infra.settings.consumers import Consumer
from infra.settings.schema import (
    GpuSection,
    IngressSection,
    ModelSpecSection,
    MonitoringSection,
    Section,
    TargetSection,
)
from infra.settings.services import Service
from infra.sizing.budget import Capacity
from infra.sizing.model_specs import MODEL_SPECS, ModelSpec

SECRETS = SECRET_KEYS | {BUILD_KEY}
"""Keys whose values must be encrypted in a stack file."""
ROOT = Path(__file__).resolve().parents[2]
"""The checkout of this repository."""
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
    models: dict[str, ModelSpecSection] = Field(default_factory=dict)
    """Models that the built-in cards lack, by name."""
    routes: dict[str, tuple[TargetSection, ...]] = Field(default_factory=dict)
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
    def model_specs(self) -> dict[str, ModelSpec]:
        """Built-in model cards and those of the stack file, which win."""
        return {**MODEL_SPECS, **{name: model_spec.model_spec() for name, model_spec in self.models.items()}}
