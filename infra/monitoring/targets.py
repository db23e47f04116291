"""What is watched, and how: scraped where a service has metrics, probed from outside where it has none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.catalog.gateway import GATEWAY_KINDS
from infra.monitoring.metric_names import CARDS, INGRESS, STORE
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

MONITORING_PHASE = 6


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One address that the prober asks, by which of its modules, and what the series call it."""

    service: str
    module: str
    address: str


def scraped(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """The services with metrics of their own."""
    return tuple(service for service in services if service.backend.metrics)


def always_scraped(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """Those whose scrape fails only when they are down; one per model fails when a model is not loaded as well."""
    return tuple(service for service in scraped(services) if not service.backend.metrics_per_model)


def probed(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """The services that only a probe tells the state of."""
    told = {service.name for service in always_scraped(services)}
    return tuple(service for service in services if service.name not in told)


def restarted(services: Sequence[ServicePlan]) -> tuple[ServicePlan, ...]:
    """The services that are restarted by the clock."""
    return tuple(service for service in services if service.backend.restart)


def probes(plan: Plan) -> tuple[Probe, ...]:
    """What the stack's prober asks: the services that only it tells the state of, and the way in from outside."""
    if not of_kind(plan.services, "blackbox"):
        return ()
    return (*(_probe(service, plan) for service in probed(plan.services)), *_way_in(plan))


def sources(plan: Plan) -> frozenset[str]:
    """Whatever exposes a metric of the plan: its kinds, and what stands in the place of one."""
    cards = {CARDS} if plan.settings.node.gpus else set()
    ingress = {probe.service for probe in probes(plan)} & {INGRESS}
    return kinds(plan.services) | {STORE} | cards | ingress


def of_kind(services: Sequence[ServicePlan], kind: str) -> tuple[ServicePlan, ...]:
    return tuple(service for service in services if service.backend.kind == kind)


def kinds(services: Sequence[ServicePlan]) -> frozenset[str]:
    return frozenset(service.backend.kind for service in services)


def models(plan: Plan, service: ServicePlan) -> tuple[str, ...]:
    """The models that routes ask of *service*, by its own names for them."""
    chosen = (target for route in plan.routes.routes for target in route.targets)
    return tuple(dict.fromkeys(target.model for target in chosen if target.service.name == service.name))


def _probe(service: ServicePlan, plan: Plan) -> Probe:
    """The page that says it can serve, or else its port."""
    port, page = service.address(plan.settings.namespace), service.backend.health
    if page:
        return Probe(service=service.service_name, module="http", address=f"http://{port}{page}")
    return Probe(service=service.service_name, module="tcp", address=port)


def _way_in(plan: Plan) -> Iterator[Probe]:
    """The gateway's own page, under its public name."""
    section = plan.settings.ingress
    gateway = next((service for service in plan.services if service.backend.kind in GATEWAY_KINDS), None)
    if section and gateway:
        yield Probe(service=INGRESS, module=INGRESS, address=f"https://{section.reached_at}{gateway.backend.health}")
