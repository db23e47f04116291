"""Every kind of backend as data: what it serves, how it is reached and probed, and what it takes by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from infra.budget import Claim
from infra.options import GatewayService, OllamaService, Service, VllmService
from infra.quantities import GI, MI

Task = Literal["chat", "embeddings"]
Phase = int


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One HTTP check by the kubelet; times in seconds."""

    path: str
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
class Disk:
    """A claim that outlives its workload, and `pulumi destroy`; *size* in bytes."""

    name: str
    mount: str
    size: int


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
    secret: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One kind of service. *service* is its name in the cluster, *adapter* how the gateway speaks to it."""

    kind: str
    phase: Phase
    service: str
    port: int
    container_port: int
    tasks: tuple[Task, ...]
    adapter: str
    image: str | None  # None: the stack file must name one
    claim: Claim
    probes: Probes
    strategy: Literal["Recreate", "RollingUpdate"]
    options: type[Service] = Service
    replicas: int = 1
    metrics: str | None = None
    disks: tuple[Disk, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    secrets: tuple[SecretEnv, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 10_000  # uid, gid and owner group of the volumes

    @property
    def health(self) -> str:
        """The path that answers 200 when the backend can serve."""
        return self.probes.readiness.path


OLLAMA = Backend(
    kind="ollama",
    phase=1,
    service="ollama",
    port=11434,
    container_port=11434,
    tasks=("chat", "embeddings"),
    adapter="ollama",
    image="docker.io/ollama/ollama:0.32.9@sha256:1685741456770df6e3cceb2a945a5f75e020f658d1701509668d6f4688f1dd3f",
    claim=Claim(memory_request=16 * GI, memory_limit=64 * GI, cpu_request=4000, cpu_limit=16_000),
    probes=Probes(
        startup=Probe(path="/", period_s=10, failures=30),
        readiness=Probe(path="/", delay_s=10),
        liveness=Probe(path="/", delay_s=60, period_s=30),
    ),
    strategy="Recreate",  # two servers would fill the budget twice during a rollout
    options=OllamaService,
    disks=(Disk(name="ollama-models", mount="/models", size=200 * GI),),
    scratch=(Scratch(mount="/tmp", size=2 * GI),),  # noqa: S108 - inside the container
    environment={
        "HOME": "/models",  # its key pair; the image's own home belongs to root
        "OLLAMA_HOST": "0.0.0.0:11434",
        "OLLAMA_MODELS": "/models",
        "OLLAMA_NO_CLOUD": "1",
        "CUDA_VISIBLE_DEVICES": "",  # the GPU belongs to vLLM
    },
)

VLLM = Backend(
    kind="vllm",
    phase=2,
    service="vllm-inference",  # never `vllm`: the injected VLLM_PORT would be read as a setting
    port=8001,
    container_port=8000,
    tasks=("chat",),
    adapter="vllm",
    image="docker.io/vllm/vllm-openai:v0.30.0@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90",
    claim=Claim(memory_request=32 * GI, memory_limit=48 * GI, cpu_request=4000, cpu_limit=12_000),
    probes=Probes(
        startup=Probe(path="/health", period_s=30, timeout_s=10, failures=60),  # 30 min: the first start downloads
        readiness=Probe(path="/health", period_s=10),
        liveness=Probe(path="/health", period_s=30, timeout_s=10),
    ),
    strategy="Recreate",  # the old pod must let go of the GPU first
    options=VllmService,
    metrics="/metrics",
    disks=(Disk(name="vllm-model-cache", mount="/models", size=100 * GI),),
    scratch=(Scratch(mount="/tmp", size=8 * GI),),  # noqa: S108 - inside the container
    secrets=(SecretEnv(variable="HF_TOKEN", config_key="hfToken", secret="hf-token", key="token"),),  # noqa: S106
    environment={
        "HOME": "/tmp",  # noqa: S108 - caches of compilers that insist on a home
        "USER": "synapse",  # PyTorch asks for the user's name, and the image has none for this uid
        "HF_HOME": "/models",
        "VLLM_CACHE_ROOT": "/models/vllm",
        "VLLM_NO_USAGE_STATS": "1",
    },
)

GATEWAY = Backend(
    kind="gateway",
    phase=3,
    service="synapse-gateway",
    port=8000,
    container_port=8000,
    tasks=(),
    adapter="synapse",
    image=None,  # built from gateway_image/: the stack file names what its registry holds
    claim=Claim(memory_request=2 * GI, memory_limit=4 * GI, cpu_request=2000, cpu_limit=4000),
    replicas=2,
    probes=Probes(  # of the process alone: a slow backend must not restart the gateway
        startup=Probe(path="/livez", period_s=2, failures=30),
        readiness=Probe(path="/readyz", delay_s=5),
        liveness=Probe(path="/livez", delay_s=10, period_s=30),
    ),
    strategy="RollingUpdate",
    options=GatewayService,
    metrics="/metrics",
    disks=(Disk(name="synapse-voices", mount="/data/voices", size=5 * GI),),
    scratch=(Scratch(mount="/tmp", size=2 * GI),),  # noqa: S108 - uploads are spooled here
    secrets=(
        SecretEnv(variable="SYNAPSE_API_KEYS", config_key="apiKeys", secret="gateway-api-keys", key="keys"),  # noqa: S106
    ),
    environment={"SYNAPSE_GATEWAY_CONFIG_PATH": "/config/backends.yaml", "SYNAPSE_VOICE_LIBRARY_DIR": "/data/voices"},
)

CATALOGUE: Mapping[str, Backend] = {backend.kind: backend for backend in (OLLAMA, VLLM, GATEWAY)}
SECRET_KEYS = frozenset(secret.config_key for backend in CATALOGUE.values() for secret in backend.secrets)
DEFAULT_LIMIT = Claim(memory_request=64 * MI, memory_limit=256 * MI, cpu_request=50, cpu_limit=250)
