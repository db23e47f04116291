"""A stack in values: the services of its phases, their routes and their ledger. Nothing here touches a cluster."""

from dataclasses import dataclass

from infra.ledger import Ledger
from infra.placement import Placed, place
from infra.routes import RouteTable, table
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the settings decide, derived once and rendered many ways."""

    settings: Settings
    services: tuple[Placed, ...]
    routes: RouteTable
    ledger: Ledger


def plan(settings: Settings) -> Plan:
    """The services of every phase up to the settings' own, in phase order. Raises RouteError."""
    placed = [place(name, service, settings.cards) for name, service in settings.services.items()]
    deployed = [service for service in placed if service.backend.phase <= settings.phase]
    services = tuple(sorted(deployed, key=lambda service: service.backend.phase))
    return Plan(
        settings=settings,
        services=services,
        routes=table(settings.routes, services, settings.namespace),
        ledger=Ledger(lines=tuple(service.line for service in services), capacity=settings.node.capacity),
    )
