"""What is watched, and how: scraped where a service has metrics, probed from outside where it has none."""

from collections.abc import Sequence

from infra.placement import Placed
from infra.plan import Plan

MONITORING_PHASE = 6


def scraped(services: Sequence[Placed]) -> tuple[Placed, ...]:
    """The services with metrics of their own."""
    return tuple(service for service in services if service.backend.metrics)


def always_scraped(services: Sequence[Placed]) -> tuple[Placed, ...]:
    """Those whose scrape fails only when they are down; one per model fails when a model is not loaded as well."""
    return tuple(service for service in scraped(services) if not service.backend.metrics_per_model)


def probed(services: Sequence[Placed]) -> tuple[Placed, ...]:
    """The services that only a probe tells the state of."""
    told = {service.name for service in always_scraped(services)}
    return tuple(service for service in services if service.name not in told)


def of_kind(services: Sequence[Placed], kind: str) -> tuple[Placed, ...]:
    return tuple(service for service in services if service.backend.kind == kind)


def kinds(services: Sequence[Placed]) -> frozenset[str]:
    return frozenset(service.backend.kind for service in services)


def models(plan: Plan, service: Placed) -> tuple[str, ...]:
    """The models that routes ask of *service*, by its own names for them."""
    stops = (stop for route in plan.routes.routes for stop in route.stops)
    return tuple(dict.fromkeys(stop.model for stop in stops if stop.service.name == service.name))


def probe_target(service: Placed, namespace: str) -> str:
    """What a probe asks: the page that says it can serve, or else its port."""
    port = service.address(namespace)
    return f"http://{port}{service.backend.health}" if service.backend.health else port


def probe_module(service: Placed) -> str:
    """The prober's module for it; `MODULES` of blackbox.py."""
    return "http" if service.backend.health else "tcp"
