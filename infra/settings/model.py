"""The settings of a stack as types: the node, the stack file, and the stack file with the names of its secrets."""

from pathlib import Path

from pydantic import Field, SerializeAsAny

from infra.catalog.kinds import SECRET_KEYS
from infra.catalog.model_catalog import ModelSpecs
from infra.quantities import SLOW_LINE
from infra.settings.build_host import BUILD_KEY, BuildHost
from infra.settings.consumers import Consumer
from infra.settings.model_specs import ModelSpecSection
from infra.settings.names import LAST_PHASE
from infra.settings.quantity_types import Bytes, DnsLabel, Millicores, Percent
from infra.settings.registry import REGISTRY_PASSWORD
from infra.settings.schema import (
    GpuSection,
    IngressSection,
    MonitoringSection,
    Section,
    TargetSection,
)
from infra.settings.services import Service
from infra.sizing.budget import Capacity

SECRETS = SECRET_KEYS | {BUILD_KEY, REGISTRY_PASSWORD}
"""Keys whose values must be encrypted in a stack file."""
ROOT = Path(__file__).resolve().parents[2]
"""The checkout of this repository."""


class Node(Section):
    """The node: its resources, and the share of them that may be planned."""

    name: DnsLabel
    """Its name in the cluster, which also identifies the cluster."""
    memory: Bytes
    """Memory of the whole node."""
    cpus: Millicores
    """Cores of the whole node."""
    budget_percent: Percent = 80
    """Share of memory and cores for the sum of all limits; the rest is for the system."""
    gpus: tuple[GpuSection, ...] = ()
    """Its GPUs."""
    storage_class: DnsLabel = "local-path"
    """Storage class of PVCs; K3s installs `local-path`."""
    runtime_class: DnsLabel = "nvidia"
    """Container runtime of GPU pods."""
    cpu_overcommit: int = Field(default=1, ge=1, le=32)
    """Factor on the CPU budget for the sum of CPU limits: cores are shared in time, memory is not."""
    embedded: bool = False
    """`true`: the node is this machine, and `synapse up` starts a private cluster with real pods on it."""
    download_mbit: int = Field(default=SLOW_LINE, ge=1, le=100_000)
    """Least speed of its internet line in Mbit/s: the time that a download of images and models may take."""
    device_plugin: bool = False
    """Deploy NVIDIA's device plugin, with time-slicing where `gpus` have shares; `false` if the node has its own."""

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
        """Number of `nvidia.com/gpu` that the device plugin reports."""
        return self.capacity.gpu_shares


class StackFile(Section):
    """Keys of a stack file, without its secrets."""

    phase: int = Field(default=LAST_PHASE, ge=1, le=LAST_PHASE)
    """Last phase to deploy: 1 CPU, 2 GPU models, 3 gateway, 4 speech, 5 policies and ingress, 6 monitoring."""
    namespace: DnsLabel = "llm-infra"
    """Namespace of all services."""
    context: str | None = None
    """Context of the kubeconfig, also of a private cluster or twin; the current one if left out."""
    node: Node
    """The node."""
    registry: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9][a-z0-9._-]*)*$")
    """Registry for images that are built, host and path; the node's own image store if left out: docs/images.md."""
    registry_user: str | None = Field(default=None, min_length=1)
    """User that pulls from `registry`, with the secret `registryPassword`; without it pods pull without a login."""
    build_host: BuildHost | None = None
    """Machine that builds the images, for `registry` or, without one, for itself as the node; else this machine."""
    models: dict[str, ModelSpecSection] = Field(default_factory=dict)
    """Model specs that are not built in, by model name."""
    allow_licences: tuple[str, ...] = ()
    """Licences that forbid commercial use and whose models are deployed all the same: docs/licences.md."""
    routes: dict[str, tuple[TargetSection, ...]] = Field(default_factory=dict)
    """Public model name -> services, in the order of fallback."""
    consumers: dict[str, Consumer] = Field(default_factory=dict)
    """Projects that use the platform, by name."""
    ingress: IngressSection | None = None
    """Ingress of the gateway; without it the gateway is not reachable from outside."""
    monitoring: MonitoringSection = Field(default_factory=MonitoringSection)
    """Monitoring of the platform."""
    services: dict[str, SerializeAsAny[Service]] = Field(min_length=1)
    """Services on the node, by name."""


class Settings(StackFile):
    """All settings of a stack, with the names of its secrets; their values stay in the Pulumi engine."""

    secrets: frozenset[str]

    @property
    def model_specs(self) -> ModelSpecs:
        """Model specs of the catalog and those of the stack file, which take precedence."""
        return ModelSpecs({name: model_spec.model_spec() for name, model_spec in self.models.items()})
