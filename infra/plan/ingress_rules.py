"""Who may call whom: the gateway is open to every namespace, everything else to those that have to reach it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.catalog.gateway import GATEWAY_KINDS
from infra.monitoring import targets
from infra.plan.service import ServicePlan

CALLERS: Mapping[str, frozenset[str]] = {
    "prometheus": frozenset({"grafana"}),
    "alertmanager": frozenset({"prometheus", "grafana"}),
    "blackbox": frozenset({"prometheus"}),
    "grafana": frozenset(),
    "dcgm-exporter": frozenset(),
    "kube-state-metrics": frozenset(),
    "node-exporter": frozenset(),
}
"""Kind -> the kinds that may call it; a kind that is not here serves the gateways."""


@dataclass(frozen=True, kw_only=True)
class IngressRule:
    """One service, and those of its namespace, or whole namespaces, that call its port."""

    service: ServicePlan
    callers: tuple[ServicePlan, ...] = ()
    namespaces: tuple[str, ...] = ()
    is_open: bool = False  # to every namespace


def ingress_rules(services: Sequence[ServicePlan], operator: str | None = None) -> tuple[IngressRule, ...]:
    """The whole table. A backend is called by the gateways of the stack; without one, by what watches it alone.

    *operator* is the namespace of a Prometheus that is not the stack's own.
    """
    return tuple(_of(service, services, operator) for service in services)


def _of(service: ServicePlan, services: Sequence[ServicePlan], operator: str | None) -> IngressRule:
    is_entry = service.backend.kind in GATEWAY_KINDS
    kinds = _watchers(service, services) | (
        frozenset() if is_entry else CALLERS.get(service.backend.kind, GATEWAY_KINDS)
    )
    callers = tuple(other for other in services if other.backend.kind in kinds and other is not service)
    is_asked = service.backend.metrics is not None  # by the operator's Prometheus, and so is the prober
    return IngressRule(
        service=service,
        callers=callers,
        namespaces=(operator,) if operator and is_asked else (),
        is_open=is_entry,
    )


def _watchers(service: ServicePlan, services: Sequence[ServicePlan]) -> frozenset[str]:
    """The kinds that look at it: Prometheus at its metrics, the prober from outside."""
    return frozenset(
        kind
        for kind, watched in (("prometheus", targets.scraped(services)), ("blackbox", targets.probed(services)))
        if service in watched
    )
