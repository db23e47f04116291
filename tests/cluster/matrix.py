"""Who reaches whom: what the plan says about it, a cell for each address that each pod could try."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.security import API_SERVER
from infra.plan.egress_rules import HTTPS, Exits
from infra.plan.ingress_rules import Access
from tools.cluster.manifests import DNS_PORT

OPEN, SHUT = "open", "shut"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where packets come from, or go to. Of a service it has *access*, *exits* or both; else nothing holds it."""

    name: str
    namespace: str = ""
    access: Access | None = None
    exits: Exits | None = None
    is_shut: bool = False  # by the default alone: no service's pod
    is_public: bool = False  # an address of the internet
    is_dns: bool = False


@dataclass(frozen=True, kw_only=True)
class Address:
    """What is tried: host and port, and the port of the pod behind it, by which policies judge."""

    place: Endpoint
    host: str
    port: int
    pod_port: int
    protocol: str = "tcp"
    is_service: bool = False  # any of its pods answers

    def is_own(self, source: Endpoint) -> bool:
        """Whether *source* may find itself there, which no policy can shut."""
        return source.name == self.place.name or (self.is_service and source.access == self.place.access)

    @property
    def target(self) -> str:
        return f"{self.protocol} {self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One pod, one address, and whether the plan lets the one reach the other."""

    source: Endpoint
    address: Address
    is_open: bool

    def fault(self, found: str) -> str:
        """What is wrong with it where *found* was seen."""
        to = self.address
        return f"{self.source.name} -> {to.place.name} {to.target}: {found}, not {_word(self.is_open)}"

    def is_as(self, found: str) -> bool:
        return found == _word(self.is_open)


def matrix(sources: Sequence[Endpoint], addresses: Sequence[Address]) -> Iterator[Cell]:
    """Every source with every address but its own."""
    for source in sources:
        for address in addresses:
            if not address.is_own(source):
                yield Cell(
                    source=source, address=address, is_open=_leaves(source, address) and _enters(source, address)
                )


def _leaves(source: Endpoint, address: Address) -> bool:
    if source.exits is None:
        return not source.is_shut
    exits, place, port = source.exits, address.place, address.pod_port
    called = place.access is not None and place.access.service in exits.callees
    return (
        (place.is_dns and port == DNS_PORT)
        or (called and _is_own_port(place, port))
        or (place.is_public and exits.internet and port == HTTPS)
        or (address.protocol == "tcp" and port in exits.anywhere)
        or (address.protocol == "tcp" and exits.api_server and port in API_SERVER)
    )


def _enters(source: Endpoint, address: Address) -> bool:
    access = address.place.access
    if access is None:
        return not address.place.is_shut
    is_let_in = (
        access.is_open
        or source.namespace in access.namespaces
        or (source.access is not None and source.access.service in access.callers)
    )
    return is_let_in and _is_own_port(address.place, address.pod_port)


def _is_own_port(place: Endpoint, port: int) -> bool:
    return place.access is not None and port == place.access.service.backend.container_port


def _word(is_open: bool) -> str:  # noqa: FBT001
    return OPEN if is_open else SHUT
