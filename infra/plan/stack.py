"""Plan of a stack, as values: the services of its phases, their routes and their ledger."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from infra.catalog.spec import OBSERVED, Volume
from infra.plan import device_plugin, phase_gates
from infra.plan.routes import RouteTable, table
from infra.plan.service import NodeFigures, ServicePlan, resolve
from infra.settings.model import Settings
from infra.sizing.budget import LedgerLine
from infra.sizing.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that follows from the settings; components, manifests and commands read it."""

    settings: Settings
    services: tuple[ServicePlan, ...]
    routes: RouteTable
    ledger: Ledger

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Namespaces with pods of the stack, its own first."""
        others = (line.namespace for line in self.ledger.lines)
        return tuple(dict.fromkeys([self.settings.namespace, *(name for name in others if name)]))

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders of this repository that its images are built from, each once."""
        return tuple(dict.fromkeys(source for service in self.services for source in service.sources))


def plan(settings: Settings) -> Plan:
    """Plan the services of all phases up to that of the settings, in phase order. Raises RouteError and PhaseError."""
    phase_gates.check(settings)
    node, specs = settings.node, settings.model_specs
    figures = NodeFigures(
        download_mbit=node.download_mbit, gpu_memory=node.capacity.smallest_gpu, from_packages=node.embedded
    )
    resolved = [resolve(name, service, specs, figures) for name, service in settings.services.items()]
    deployed = [service for service in resolved if service.backend.phase <= settings.phase]
    deployed.sort(key=lambda each: each.backend.phase)
    services = tuple(_with_observed_volumes([*_with_shared_claims(deployed)]))
    return Plan(
        settings=settings,
        services=services,
        routes=table(settings.routes, services, settings.namespace),
        ledger=Ledger(lines=_lines(settings, services), capacity=settings.node.capacity),
    )


def _lines(settings: Settings, services: Iterable[ServicePlan]) -> tuple[LedgerLine, ...]:
    """Return the lines of the node and of every service, in phase order."""
    of_node = device_plugin.lines(settings.node, settings.phase)
    of_services = (line for service in services for line in service.lines)
    return tuple(sorted([*of_node, *of_services], key=lambda line: line.phase))


def _with_shared_claims(services: Iterable[ServicePlan]) -> Iterator[ServicePlan]:
    """Mark shared volumes: the first service that names one creates its PVC, the others mount it."""
    created: set[str] = set()
    for service in services:
        names = {volume.name for volume in service.volumes}
        yield replace(service, shared_claims=frozenset(names & created))
        created |= names


def _with_observed_volumes(services: Sequence[ServicePlan]) -> Iterator[ServicePlan]:
    """Give the services that observe volumes all volumes of the stack, read-only."""
    volumes = {volume.name: volume for service in services for volume in service.volumes}
    observed = tuple(_observed(volume) for volume in volumes.values())
    for service in services:
        if service.backend.observes_volumes:
            yield replace(service, observed=observed, shared_claims=frozenset(volumes))
        else:
            yield service


def _observed(volume: Volume) -> Volume:
    return replace(volume, mount=f"{OBSERVED}/{volume.name}", is_read_only=True)
