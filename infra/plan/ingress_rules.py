"""Ingress rules: every namespace may call the gateway; a backend is called by the gateways and by monitoring."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.catalog.gateway import GATEWAY_KINDS
from infra.monitoring import targets
from infra.plan.service import ServicePlan


@dataclass(frozen=True, kw_only=True)
class IngressRule:
    """Callers of one service: services and other *pods* of its namespace, and whole namespaces."""

    service: ServicePlan
    callers: tuple[ServicePlan, ...] = ()
    pods: tuple[str, ...] = ()  # the names in their labels
    namespaces: tuple[str, ...] = ()
    is_open: bool = False  # to every namespace


def ingress_rules(services: Sequence[ServicePlan], operator: str | None = None) -> tuple[IngressRule, ...]:
    """Return a rule for each service.

    *operator* is the namespace of a Prometheus operator, where the stack uses one.
    """
    return tuple(_rule(service, services, operator) for service in services)


def _rule(service: ServicePlan, services: Sequence[ServicePlan], operator: str | None) -> IngressRule:
    spec = service.backend
    kinds = _monitors(service, services) | (GATEWAY_KINDS if spec.callers is None else spec.callers)
    callers = tuple(other for other in services if other.backend.kind in kinds and other is not service)
    return IngressRule(
        service=service,
        callers=callers,
        pods=(service.fetch.name,) if service.fetch and service.fetch.models else (),
        namespaces=(operator,) if operator and spec.metrics is not None else (),
        is_open=spec.is_entry_point,
    )


def _monitors(service: ServicePlan, services: Sequence[ServicePlan]) -> frozenset[str]:
    """Return the monitoring kinds that call it: Prometheus for its metrics, the blackbox exporter for its probe."""
    return frozenset(
        kind
        for kind, monitored in (("prometheus", targets.scraped(services)), ("blackbox", targets.probed(services)))
        if service in monitored
    )
