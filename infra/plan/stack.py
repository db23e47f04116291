"""A stack in values: the services of its phases, their routes and their ledger. Nothing here touches a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from infra.catalog.spec import OBSERVED, Volume
from infra.plan import device_plugin, phase_gates
from infra.plan.routes import RouteTable, table
from infra.plan.service import ServicePlan, resolve
from infra.settings.model import Settings
from infra.sizing.budget import LedgerLine
from infra.sizing.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the settings decide, derived once and rendered many ways."""

    settings: Settings
    services: tuple[ServicePlan, ...]
    routes: RouteTable
    ledger: Ledger

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace that it has pods in, its own first."""
        others = (line.namespace for line in self.ledger.lines)
        return tuple(dict.fromkeys([self.settings.namespace, *(name for name in others if name)]))


def plan(settings: Settings) -> Plan:
    """The services of every phase up to the settings' own, in phase order. Raises RouteError and PhaseError."""
    phase_gates.check(settings)
    placed = [resolve(name, service, settings.model_specs) for name, service in settings.services.items()]
    deployed = [service for service in placed if service.backend.phase <= settings.phase]
    services = tuple(_with_observed_disks([*_with_shared_disks(sorted(deployed, key=lambda each: each.backend.phase))]))
    return Plan(
        settings=settings,
        services=services,
        routes=table(settings.routes, services, settings.namespace),
        ledger=Ledger(lines=_lines(settings, services), capacity=settings.node.capacity),
    )


def _lines(settings: Settings, services: Iterable[ServicePlan]) -> tuple[LedgerLine, ...]:
    """Those of the node itself and of every service, in phase order."""
    of_node = device_plugin.lines(settings.node, settings.phase)
    of_services = (line for service in services for line in service.lines)
    return tuple(sorted([*of_node, *of_services], key=lambda line: line.phase))


def _with_shared_disks(services: Iterable[ServicePlan]) -> Iterator[ServicePlan]:
    """A shared disk is made by the first service that names it, and mounted by the others."""
    made: set[str] = set()
    for service in services:
        names = {disk.name for disk in service.volumes}
        yield replace(service, shared_claims=frozenset(names & made))
        made |= names


def _with_observed_disks(services: Sequence[ServicePlan]) -> Iterator[ServicePlan]:
    """Who looks at disks has those of every service, none of which it makes."""
    volumes = {disk.name: disk for service in services for disk in service.volumes}
    observed = tuple(_observed(disk) for disk in volumes.values())
    for service in services:
        looks = service.backend.observes_volumes
        yield replace(service, observed=observed, shared_claims=frozenset(volumes)) if looks else service


def _observed(disk: Volume) -> Volume:
    return replace(disk, mount=f"{OBSERVED}/{disk.name}", is_read_only=True)
