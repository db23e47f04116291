"""Specification of a kind of backend: its tasks, its addresses and probes, and its default resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from infra.settings.services import Service, Task
from infra.sizing.budget import ResourceClaim

Phase = int
NamedAddress = Literal["ingress", "webhook"]
"""An address of the stack file: the ingress as pods reach it, or the receiver of alerts."""
OBSERVED = "/volumes"
"""Folder in which a pod mounts the volumes of all services read-only, each under its name."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One check by the kubelet: an HTTP path, or else an open port; times in seconds."""

    path: str | None = None
    delay_s: int = 0
    period_s: int = 10
    timeout_s: int = 5
    failures: int = 3


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Startup covers the time a backend takes to load; liveness checks the process alone."""

    startup: Probe
    readiness: Probe
    liveness: Probe


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A PVC that outlives its workload, and `pulumi destroy`; *size* in bytes."""

    name: str
    mount: str
    size: int
    is_shared: bool = False  # by every service of the stack that names it
    is_read_only: bool = False  # the PVC of another service, for monitoring
    is_fetched: bool = False  # a Job fills it, and the server reads it only


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A writable folder on the read-only root, emptied with the pod; *size* in bytes."""

    mount: str
    size: int


@dataclass(frozen=True, kw_only=True)
class SecretEnv:
    """An environment variable from a Kubernetes Secret, which exists if the stack file has its value."""

    variable: str
    config_key: str
    secret: str  # suffix of the Secret's name, after the name of its service
    key: str
    is_for_fetch: bool = False  # of the Job that fetches the models: the server does not have it


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file of *size* bytes (0: unknown) that is downloaded to *path* before the first start, and kept when complete.

    *estimate*: bytes of the whole model in round figures, for the time and the room that it takes.

    Without a *sha256* the digest that the hub sends is used. *packaged*: the file's place in the image of packaged
    models, which a private cluster reads where *url* cannot be reached; without a *url* there is only that image.
    """

    url: str | None
    path: str
    size: int = 0
    estimate: int = 0
    sha256: str | None = None
    packaged: str | None = None
    model: str | None = None  # name of the model; None: that of the file
    is_part: bool = False  # a further file of the model before it: a voice, a licence
    is_gated: bool = False  # only an account that accepted its terms may download it


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A scheduled rolling restart, for a server whose memory grows; *schedule* in cron's notation, UTC."""

    name: str
    schedule: str
    image: str
    claim: ResourceClaim


@dataclass(frozen=True, kw_only=True)
class LiteLlmApi:
    """API under which LiteLLM calls a backend: its provider, and the base path of the backend's API."""

    provider: str
    path: str = "/v1"
    needs_key: bool = True  # LiteLLM's client refuses to start without a key, which the backend ignores


@dataclass(frozen=True, kw_only=True)
class BackendSpec:
    """One kind of service. *service* is its name in the cluster, *adapter* the gateway's entry for its API."""

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
    timeout_s: int = 0  # the longest time for one request; 0: no request passes through it
    litellm: LiteLlmApi | None = None  # None: LiteLLM cannot call it
    callers: frozenset[str] | None = None  # the kinds that may call it; None: the gateways
    is_entry_point: bool = False  # every namespace may call it
    metrics: str | None = None
    metrics_per_model: bool = False  # the path needs `?model=`, and answers while that model is loaded
    cuda: int | None = None  # the major version of CUDA in its image: docs/doctor.md
    gateway_sets_context: bool = False  # the gateway changes the context size in the arguments of its Deployment
    from_operator: bool = False  # a Prometheus operator brings its own
    observes_gpu: bool = False  # it reads counters of every GPU, and claims none
    observes_volumes: bool = False  # it mounts every volume of the stack read-only
    reads_cluster: bool = False  # it queries the API server about the objects of the stack
    calls: NamedAddress | None = None  # the address of the stack file that it calls
    volumes: tuple[Volume, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    secrets: tuple[SecretEnv, ...] = ()
    downloads: tuple[Download, ...] = ()
    fetches: bool = False  # the running server downloads models from the internet
    restart: Restart | None = None
    command: tuple[str, ...] = ()  # empty: the image's own
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    thread_variable: str | None = None  # it takes the number of whole cores in the CPU limit
    grace_s: int = 30  # time for a pod to finish its requests
    user: int = 10_000  # uid, gid and owner group of the volumes

    @property
    def tier(self) -> str | None:
        """Timeout tier of the requests that it serves; None where it serves none."""
        if not self.timeout_s:
            return None
        return "backend" if self.tasks else "gateway"

    @property
    def health(self) -> str:
        """Path that answers 200 when the backend is ready; empty where there is only a port."""
        return self.probes.readiness.path or ""
