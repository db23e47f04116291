"""A stack in values: the services of its phases, their routes and their ledger. Nothing here touches a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from infra.catalog.spec import VOLUMES, Disk
from infra.plan import device_plugin, phase_gates
from infra.plan.routes import RouteTable, table
from infra.plan.service import Placed, place
from infra.settings.loader import Settings
from infra.sizing.budget import LedgerLine
from infra.sizing.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the settings decide, derived once and rendered many ways."""

    settings: Settings
    services: tuple[Placed, ...]
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
    placed = [place(name, service, settings.cards) for name, service in settings.services.items()]
    deployed = [service for service in placed if service.backend.phase <= settings.phase]
    services = tuple(_with_observed_disks([*_with_shared_disks(sorted(deployed, key=lambda each: each.backend.phase))]))
    return Plan(
        settings=settings,
        services=services,
        routes=table(settings.routes, services, settings.namespace),
        ledger=Ledger(lines=_lines(settings, services), capacity=settings.node.capacity),
    )


def _lines(settings: Settings, services: Iterable[Placed]) -> tuple[LedgerLine, ...]:
    """Those of the node itself and of every service, in phase order."""
    of_node = device_plugin.lines(settings.node, settings.phase)
    of_services = (line for service in services for line in service.lines)
    return tuple(sorted([*of_node, *of_services], key=lambda line: line.phase))


def _with_shared_disks(services: Iterable[Placed]) -> Iterator[Placed]:
    """A shared disk is made by the first service that names it, and mounted by the others."""
    made: set[str] = set()
    for service in services:
        names = {disk.name for disk in service.disks}
        yield replace(service, made_elsewhere=frozenset(names & made))
        made |= names


def _with_observed_disks(services: Sequence[Placed]) -> Iterator[Placed]:
    """Who looks at disks has those of every service, none of which it makes."""
    disks = {disk.name: disk for service in services for disk in service.disks}
    observed = tuple(_observed(disk) for disk in disks.values())
    for service in services:
        looks = service.backend.observes_disks
        yield replace(service, observed=observed, made_elsewhere=frozenset(disks)) if looks else service


def _observed(disk: Disk) -> Disk:
    return replace(disk, mount=f"{VOLUMES}/{disk.name}", is_read_only=True)
