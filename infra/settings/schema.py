"""Sections of a stack file other than services: GPUs, models, routes, ingress, monitoring and resource ranges."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.quantities import cpu_text, memory_text
from infra.settings.quantity_types import Bytes, DnsLabel, Millicores, Seconds, Tokens
from infra.sizing import model_files
from infra.sizing.budget import Gpu
from infra.sizing.vram import ModelSpec

Range = TypeVar("Range", bound="MemoryRange | CpuRange")
TRAEFIK = "traefik"
TRAEFIK_SERVICE = "traefik.kube-system.svc.cluster.local:443"
RANGE = "range"
"""Type of the error for a request above its limit; its message is complete."""
FIGURES = {"parameters", "layers", "kv_heads", "head_size", "context_tokens"}


class Section(BaseModel):
    """A mapping of the stack file: camelCase keys, unknown ones refused, never changed after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=True,  # a policy pack needs the node alone, and starts faster
    )


class MemoryRange(Section):
    """Memory request and memory limit of one pod."""

    request: Bytes
    """Reserved by the scheduler."""
    limit: Bytes
    """Maximum of one pod; the sum of all limits must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "MemoryRange":
        return _ordered(self, self.request, self.limit, memory_text)


class CpuRange(Section):
    """CPU request and CPU limit of one pod."""

    request: Millicores
    """Reserved by the scheduler."""
    limit: Millicores
    """Maximum of one pod; the sum of all limits must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "CpuRange":
        return _ordered(self, self.request, self.limit, cpu_text)


def _ordered(section: Range, request: int, limit: int, text: Callable[[int], str]) -> Range:
    if request > limit:
        raise PydanticCustomError(
            RANGE,
            "request {request} is above the limit {limit}; accepted: a request of at most the limit",
            {"request": text(request), "limit": text(limit)},
        )
    return section


class GpuSection(Section):
    """One GPU; shares above 1 mean time-slicing."""

    name: str
    """Name of the GPU in messages, such as `RTX 5090`."""
    memory: Bytes
    """Memory of the whole GPU."""
    shares: int = Field(default=1, ge=1, le=48)
    """Pods that may share it by time-slicing, which does not divide its memory."""

    def gpu(self) -> Gpu:
        return Gpu(name=self.name, memory=self.memory, shares=self.shares)


class TargetSection(Section):
    """One target of a route: a service, and its name for the model."""

    service: DnsLabel
    """Key of `services`."""
    model: str | None = None
    """Name of the model in the service; the route's own if left out."""


class ModelSpecSection(Section):
    """Model spec that is not built in: a `file`, or the figures of `config.json` down to `contextTokens`."""

    file: Path | None = None
    """GGUF file or folder of safetensors, whose header has all the figures."""
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
    """`vocab_size` x `hidden_size`, which quantisers treat separately; all weights count as it if left out."""
    tied: bool = False
    """`tie_word_embeddings`: the output head is the embedding itself."""
    window: int = Field(default=0, ge=0)
    """`sliding_window`, in tokens."""
    window_layers: int = Field(default=0, ge=0)
    """Number of layers with that window."""
    latent: int = Field(default=0, ge=0)
    """`kv_lora_rank` + `qk_rope_head_dim`, of a model with latent attention."""
    stored: Bytes | None = None
    """Size of the weights, where the model comes quantised."""
    gated: bool = False
    """The hub gives the model only to an account that accepted its licence: the stack needs `hfToken`."""
    licence: str | None = None
    """Its licence, as the hub names it; one that forbids commercial use needs `allowLicences`."""

    @model_validator(mode="after")
    def file_or_figures(self) -> "ModelSpecSection":
        needed = {"file"} if self.file else FIGURES
        given = self.model_fields_set - {"gated", "licence"}
        if not needed <= given or (self.file and len(given) > 1):
            raise PydanticCustomError(
                "model_spec", "file alone, or parameters, layers, kvHeads, headSize and contextTokens"
            )
        if self.window_layers > (self.layers or 0):
            raise PydanticCustomError("model_spec", "no more windowLayers than layers")
        return self

    def model_spec(self) -> ModelSpec:
        """Return the model spec. Raises ModelFileError when its file cannot be read."""
        if self.file:
            return replace(model_files.model_spec(self.file)[0], gated=self.gated, licence=self.licence)
        return ModelSpec(**self.model_dump(exclude={"file"}))


class MonitoringSection(Section):
    """Monitoring of the platform, from phase 6 on."""

    operator: bool = False
    """Use the Prometheus operator of the cluster for targets, rules and dashboards, instead of an own Prometheus."""
    namespace: DnsLabel = "monitoring"
    """Namespace of the operator's Prometheus, which network policies admit."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which the operator's Prometheus selects its objects, such as `release: kube-prometheus-stack`."""
    scrape_s: int = Field(default=30, ge=10, le=300)
    """Seconds between two scrapes, and between two evaluations of the rules."""
    webhook: str | None = Field(default=None, pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")
    """URL that Alertmanager sends alerts to; it is not secret, so without user or query."""
    runbooks: str = "docs/runbooks"
    """Base URL of the runbooks that alerts link to, such as the address of this repository's `docs/runbooks`."""


class RateLimit(Section):
    """Rate limit of one client; requests above it are answered with 429."""

    average: int = Field(ge=1)
    """Requests per second of one address, on average."""
    burst: int = Field(ge=1)
    """Requests of one address at the same time, after a pause."""


class IngressSection(Section):
    """Ingress of the gateway."""

    host: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")
    """DNS name."""
    tls_secret: DnsLabel
    """Secret with its certificate; it is created outside the stack, or by `issuer`."""
    issuer: DnsLabel | None = None
    """ClusterIssuer of cert-manager that issues the certificate, by a DNS challenge: docs/ingress.md."""
    class_name: DnsLabel = TRAEFIK
    """Ingress class; K3s installs `traefik`, which the keys below are for."""
    address: str | None = Field(default=None, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?:[1-9][0-9]{0,4}$")
    """Host and port for pods, to monitor its certificate; `host`, or K3s' Traefik, if left out."""
    timeout_s: Seconds = 3600
    """Seconds for a client to send a request, such as a long recording: docs/timeouts.md."""
    security_headers: bool = True
    """Add Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options and Referrer-Policy to responses."""
    rate_limit: RateLimit | None = None
    """Rate limit of one client; none if left out."""
    in_flight: int | None = Field(default=None, ge=1)
    """Limit of requests of all clients in progress, streams included; none if left out."""
    helm_chart_config: bool = False
    """Set Traefik's limits with a HelmChartConfig, from `timeoutS`; it replaces an existing one: docs/timeouts.md."""

    @property
    def reached_at(self) -> str:
        """Host and port for pods of the cluster."""
        return self.address or (TRAEFIK_SERVICE if self.class_name == TRAEFIK else f"{self.host}:443")

    @model_validator(mode="after")
    def only_traefik_has_middlewares(self) -> "IngressSection":
        if self.class_name != TRAEFIK and (self.rate_limit or self.in_flight or self.helm_chart_config):
            raise PydanticCustomError(
                "ingress", "rateLimit, inFlight and helmChartConfig with className traefik, and without them otherwise"
            )
        return self
