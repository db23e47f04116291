"""Monitoring targets: services with metrics are scraped, services without metrics are probed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.catalog.gateway import GATEWAY_KINDS
from infra.monitoring.metric_names import GPUS, INGRESS, STORE
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

MONITORING_PHASE = 6


@dataclass(frozen=True, kw_only=True)
class BlackboxProbe:
    """One address for the blackbox exporter, its module, and the service label of its series."""

    service: str
    module: str
    address: str


def scraped(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Return the services with metrics."""
    return tuple(service for service in services if service.backend.metrics)


def always_scraped(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Return the services whose scrape fails only when they are down; a scrape per model fails for unloaded models."""
    return tuple(service for service in scraped(services) if not service.backend.metrics_per_model)


def probed(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Return the services whose state is only known from a probe."""
    scraped_names = {service.name for service in always_scraped(services)}
    return tuple(service for service in services if service.name not in scraped_names)


def restarted(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Return the services with a scheduled restart."""
    return tuple(service for service in services if service.backend.restart)


def probes(plan: Plan) -> tuple[BlackboxProbe, ...]:
    """Return the probes of the blackbox exporter: services without metrics, and the ingress."""
    if not of_kind(plan.services, "blackbox"):
        return ()
    return (*(_probe(service, plan) for service in probed(plan.services)), *_ingress_probe(plan))


def sources(plan: Plan) -> frozenset[str]:
    """Return everything that exposes metrics in the plan: kinds, and the sources in place of a kind."""
    gpus = {GPUS} if plan.settings.node.gpus else set()
    ingress = {probe.service for probe in probes(plan)} & {INGRESS}
    return kinds(plan.services) | {STORE} | gpus | ingress


def of_kind(services: Sequence[ServicePlan], kind: str) -> tuple[ServicePlan, ...]:
    return tuple(service for service in services if service.backend.kind == kind)


def kinds(services: Sequence[ServicePlan]) -> frozenset[str]:
    return frozenset(service.backend.kind for service in services)


def models(plan: Plan, service: ServicePlan) -> tuple[str, ...]:
    """Return the models that routes request from *service*, by their names there."""
    chosen = (target for route in plan.routes.routes for target in route.targets)
    return tuple(dict.fromkeys(target.model for target in chosen if target.service.name == service.name))


def _probe(service: ServicePlan, plan: Plan) -> BlackboxProbe:
    """Return a probe of the health page, or of the port where there is no page."""
    address, page = service.address(plan.settings.namespace), service.backend.health
    if page:
        return BlackboxProbe(service=service.service_name, module="http", address=f"http://{address}{page}")
    return BlackboxProbe(service=service.service_name, module="tcp", address=address)


def _ingress_probe(plan: Plan) -> Iterator[BlackboxProbe]:
    """Yield a probe of the gateway's health page under its public name."""
    section = plan.settings.ingress
    gateway = next((service for service in plan.services if service.backend.kind in GATEWAY_KINDS), None)
    if section and gateway:
        yield BlackboxProbe(
            service=INGRESS, module=INGRESS, address=f"https://{section.reached_at}{gateway.backend.health}"
        )
