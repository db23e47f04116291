"""Sections of a stack file other than services: GPUs, models, routes, ingress, monitoring and resource ranges."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.catalog import cards
from infra.quantities import cpu_text, memory_text
from infra.settings.quantity_types import Bytes, DnsLabel, Millicores, Seconds
from infra.sizing.budget import Gpu

Range = TypeVar("Range", bound="MemoryRange | CpuRange")
TRAEFIK = "traefik"
TRAEFIK_SERVICE = "traefik.kube-system.svc.cluster.local:443"
RANGE = "range"
"""Type of the error for a request above its limit; its message is complete."""


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

    name: str = ""
    """Name of the GPU in messages; that of its card if left out."""
    card: str | None = None
    """Card, such as `rtx-5090`, whose usable memory is known; the one that `name` says if left out."""
    memory: Bytes | None = None
    """Memory that CUDA can use; that of the card if left out, and never more than it."""
    reserve: Bytes = 0
    """Memory that something else uses: a desktop, or a process outside of this stack."""
    shares: int = Field(default=1, ge=1, le=48)
    """Pods that may share it by time-slicing, which does not divide its memory."""

    @model_validator(mode="after")
    def memory_is_known(self) -> "GpuSection":
        if self.card and self.card not in cards.USABLE_GIB:
            raise PydanticCustomError(
                "card", "card: one of {cards}; or memory, and no card", {"cards": ", ".join(cards.USABLE_GIB)}
            )
        if not self.memory and not self.listed_card:
            raise PydanticCustomError("card", "a card, such as rtx-5090, or a name and the memory that CUDA can use")
        if not self.name and not self.card:
            raise PydanticCustomError("card", "a name, or a card")
        return self

    @property
    def listed_card(self) -> str | None:
        """Its card, or the one that its name says; None for one that is not listed."""
        return self.card or cards.named(self.name)

    def gpu(self) -> Gpu:
        """Return the GPU with what a plan may use of it."""
        sizes = [cards.usable(self.listed_card)] if self.listed_card else []
        usable = min([*sizes, *([self.memory] if self.memory else [])])
        return Gpu(name=self.name or str(self.card), memory=usable, reserve=self.reserve, shares=self.shares)


class TargetSection(Section):
    """One target of a route: a service, and its name for the model."""

    service: DnsLabel
    """Key of `services`."""
    model: str | None = None
    """Name of the model in the service; the route's own if left out."""


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
