"""The parts of a stack file that are no service: the machine, models, routes, and ranges of claims."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.quantities import Bytes, DnsLabel, Millicores, Seconds, Tokens
from infra.sizing import model_files
from infra.sizing.budget import Gpu
from infra.sizing.vram import ModelSpec

Range = TypeVar("Range", bound="MemoryRange | CpuRange")
PREFIX = "synapse:"
"""Of every key of ours in a stack file."""
TRAEFIK = "traefik"
TRAEFIK_SERVICE = "traefik.kube-system.svc.cluster.local:443"
FIGURES = {"parameters", "layers", "kv_heads", "head_size", "context_tokens"}


class Section(BaseModel):
    """A mapping of the stack file: camelCase keys, unknown ones refused, never changed after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=True,  # a policy pack reads the node alone
    )


class MemoryRange(Section):
    """What the scheduler sets aside for one pod, and what the pod may take at most."""

    request: Bytes
    """Set aside by the scheduler."""
    limit: Bytes
    """The most one pod may take; the sum of these must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "MemoryRange":
        return _ordered(self, self.request, self.limit)


class CpuRange(Section):
    """Cores set aside for one pod, and the most it may use."""

    request: Millicores
    """Set aside by the scheduler."""
    limit: Millicores
    """The most one pod may use; the sum of these must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "CpuRange":
        return _ordered(self, self.request, self.limit)


def _ordered(section: Range, request: int, limit: int) -> Range:
    if request > limit:
        raise PydanticCustomError("range", "a request that is not above the limit")
    return section


class GpuSection(Section):
    """One graphics card; shares above 1 mean time-slicing."""

    name: str
    """What messages call it."""
    memory: Bytes
    """Memory of the whole card."""
    shares: int = Field(default=1, ge=1, le=48)
    """Pods that may share it by time-slicing; its memory is not divided."""

    def gpu(self) -> Gpu:
        return Gpu(name=self.name, memory=self.memory, shares=self.shares)


class TargetSection(Section):
    """One stop of a route: a service, and the name it knows the model by (the route's own if left out)."""

    service: DnsLabel
    """A key of `services`."""
    model: str | None = None
    """The name that the service knows the model by; the route's own if left out."""


class ModelSpecSection(Section):
    """A model that the built-in cards lack: its `file`, or the figures of its `config.json` down to `contextTokens`."""

    file: Path | None = None
    """A GGUF file or a folder of safetensors, whose header has all the figures."""
    parameters: int | None = Field(default=None, ge=1)
    """Number of weights."""
    layers: int | None = Field(default=None, ge=1)
    """`num_hidden_layers`."""
    kv_heads: int | None = Field(default=None, ge=0)
    """`num_key_value_heads`; 0 for an encoder, which keeps no KV cache."""
    head_size: int | None = Field(default=None, ge=1)
    """`head_dim`, or hidden size by attention heads."""
    context_tokens: Tokens | None = None
    """`max_position_embeddings`."""
    heads: int | None = Field(default=None, ge=1)
    """`num_attention_heads`, for compute buffers on the CPU; 64 if left out."""
    embedding: int | None = Field(default=None, ge=1)
    """`vocab_size` x `hidden_size`, which quantisers treat apart; left out, all weights count as such."""
    tied: bool = False
    """`tie_word_embeddings`: the output head is the embedding itself."""
    window: int = Field(default=0, ge=0)
    """`sliding_window`, in tokens."""
    window_layers: int = Field(default=0, ge=0)
    """How many of the layers have that window."""
    latent: int = Field(default=0, ge=0)
    """`kv_lora_rank` + `qk_rope_head_dim`, of a model with latent attention."""
    stored: Bytes | None = None
    """Size of the weights, where the model comes quantised."""

    @model_validator(mode="after")
    def file_or_figures(self) -> "ModelSpecSection":
        needed = {"file"} if self.file else FIGURES
        if not needed <= self.model_fields_set or (self.file and len(self.model_fields_set) > 1):
            raise PydanticCustomError("card", "file alone, or parameters, layers, kvHeads, headSize and contextTokens")
        if self.window_layers > (self.layers or 0):
            raise PydanticCustomError("card", "no more windowLayers than layers")
        return self

    def model_spec(self) -> ModelSpec:
        """Raises ModelFileError when its file cannot be read."""
        if self.file:
            return model_files.model_spec(self.file)[0]
        return ModelSpec(**self.model_dump(exclude={"file"}))


class MonitoringSection(Section):
    """How the platform is watched, from phase 6 on."""

    operator: bool = False
    """Hand targets, rules and dashboards to the Prometheus operator of the cluster, instead of running Prometheus."""
    namespace: DnsLabel = "monitoring"
    """Where the operator's Prometheus runs; it is let in."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which the operator's Prometheus picks its objects, such as `release: kube-prometheus-stack`."""
    scrape_s: int = Field(default=30, ge=10, le=300)
    """Seconds between two scrapes, and between two looks at the rules."""
    webhook: str | None = Field(default=None, pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")
    """Where Alertmanager posts alerts; an address that is no secret, without user or query."""
    runbooks: str = "docs/runbooks"
    """Where the pages that alerts link to are; the address of this repository's folder, as your colleagues reach it."""


class RateLimit(Section):
    """How fast one client may ask; who is faster is answered 429."""

    average: int = Field(ge=1)
    """Requests a second of one address, in the long run."""
    burst: int = Field(ge=1)
    """Requests of one address at once, after a rest."""


class IngressSection(Section):
    """The gateway's public name."""

    host: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")
    """The DNS name."""
    tls_secret: DnsLabel
    """The Secret that holds its certificate; it is made outside the stack, or by `issuer`."""
    issuer: DnsLabel | None = None
    """The ClusterIssuer by which cert-manager makes it; one that asks by DNS: docs/ingress.md."""
    class_name: DnsLabel = TRAEFIK
    """The ingress class; K3s brings `traefik`, which the keys below are for."""
    address: str | None = Field(default=None, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?:[1-9][0-9]{0,4}$")
    """Host and port by which pods reach it, to watch its certificate; `host`, or K3s' Traefik, if left out."""
    timeout_s: Seconds = 3600
    """Seconds that a client may take to send a request, a long recording too: docs/timeouts.md."""
    security_headers: bool = True
    """Send Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options and Referrer-Policy with every answer."""
    rate_limit: RateLimit | None = None
    """How fast one client may ask; as fast as it likes if left out."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests of all clients that may be under way at once, streams while they last; any number if left out."""
    helm_chart_config: bool = False
    """Set Traefik's limits by K3s' HelmChartConfig, from `timeoutS`; it replaces what is there: docs/timeouts.md."""

    @property
    def reached_at(self) -> str:
        """Host and port by which the pods of the cluster reach it."""
        return self.address or (TRAEFIK_SERVICE if self.class_name == TRAEFIK else f"{self.host}:443")

    @model_validator(mode="after")
    def only_traefik_has_middlewares(self) -> "IngressSection":
        if self.class_name != TRAEFIK and (self.rate_limit or self.in_flight or self.helm_chart_config):
            raise PydanticCustomError(
                "ingress", "rateLimit, inFlight and helmChartConfig with className traefik, and without them otherwise"
            )
        return self
