"""What a kind of backend is: what it serves, how it is reached and probed, and what it takes by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from infra.settings.services import Service
from infra.sizing.budget import ResourceClaim

Task = Literal["chat", "embeddings", "transcription", "speech", "speakers", "audio"]
Phase = int
UNPUBLISHED = f"@sha256:{64 * '0'}"
"""In place of a digest: the image is built by its owner, who writes the digest into the stack file."""
OBSERVED = "/volumes"
"""Where the disks of others are mounted, each by its name, in the pod that looks at them."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One check by the kubelet: an HTTP path, or that the port is open; times in seconds."""

    path: str | None = None
    delay_s: int = 0
    period_s: int = 10
    timeout_s: int = 5
    failures: int = 3


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Startup covers the time a backend takes to load; liveness looks at the process alone."""

    startup: Probe
    readiness: Probe
    liveness: Probe


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A claim that outlives its workload, and `pulumi destroy`; *size* in bytes."""

    name: str
    mount: str
    size: int
    is_shared: bool = False  # by every service of the stack that names it
    is_read_only: bool = False  # another service's, looked at


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A writable folder beside the read-only root, emptied with the pod; *size* in bytes."""

    mount: str
    size: int


@dataclass(frozen=True, kw_only=True)
class SecretEnv:
    """An environment variable from a Kubernetes Secret, which is made from a secret of the stack file if it is set."""

    variable: str
    config_key: str
    secret: str  # the name of the Secret, after that of its service
    key: str


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that is fetched to *path* before the first start; kept once it is whole."""

    url: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A rolling restart by the clock, for a server whose memory grows; *schedule* in cron's notation, UTC."""

    name: str
    schedule: str
    image: str
    claim: ResourceClaim


@dataclass(frozen=True, kw_only=True)
class BackendSpec:
    """One kind of service. *service* is its name in the cluster, *adapter* how the gateway speaks to it."""

    kind: str
    phase: Phase
    service: str
    port: int
    container_port: int
    tasks: tuple[Task, ...]
    adapter: str
    image: str | None  # None: the stack file must name one; BUILD: it is built from its source
    claim: ResourceClaim
    probes: Probes
    strategy: Literal["Recreate", "RollingUpdate"]
    source: str | None = None  # the folder of this repository that its image can be built from
    options: type[Service] = Service
    replicas: int = 1
    timeout_s: int = 0  # the longest that one request may take it; 0: no request goes through it
    metrics: str | None = None
    metrics_per_model: bool = False  # asked with `?model=`, and answered while that model is loaded
    cuda: int | None = None  # the major version of CUDA that its image brings: docs/doctor.md
    observes_gpu: bool = False  # it looks at every GPU, and claims and fills none
    observes_volumes: bool = False  # it looks at every claim of the stack, and writes to none
    reads_cluster: bool = False  # it asks the API server about the stack's objects
    volumes: tuple[Volume, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    secrets: tuple[SecretEnv, ...] = ()
    downloads: tuple[Download, ...] = ()
    fetches: bool = False  # models from the internet, by itself, once it runs
    restart: Restart | None = None
    command: tuple[str, ...] = ()  # empty: the image's own
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    grace_s: int = 30  # that a pod has to end what is under way
    user: int = 10_000  # uid, gid and owner group of the volumes

    @property
    def tier(self) -> str | None:
        """How far in a request meets it; None where none does."""
        if not self.timeout_s:
            return None
        return "backend" if self.tasks else "gateway"

    @property
    def health(self) -> str:
        """The path that answers 200 when the backend can serve; empty where there is only a port."""
        return self.probes.readiness.path or ""
