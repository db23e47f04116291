"""Expected connections by the plan: one cell for each source pod and each address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.security import API_SERVER
from infra.plan.egress_rules import HTTPS, EgressRule
from infra.plan.ingress_rules import IngressRule
from tools.cluster.manifests import DNS_PORT

OPEN, SHUT = "open", "shut"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Source or target of packets; a service's endpoint has *access*, *exits* or both, others no policies."""

    name: str
    namespace: str = ""
    access: IngressRule | None = None
    exits: EgressRule | None = None
    is_shut: bool = False  # only the default deny: not a service's pod
    is_public: bool = False  # an address of the internet
    is_dns: bool = False


@dataclass(frozen=True, kw_only=True)
class Address:
    """A target: host and port, and the pod's port, which policies use."""

    endpoint: Endpoint
    host: str
    port: int
    pod_port: int
    protocol: str = "tcp"
    is_service: bool = False  # any of its pods responds

    def is_own(self, source: Endpoint) -> bool:
        """Return whether *source* itself may respond there, which no policy can block."""
        return source.name == self.endpoint.name or (self.is_service and source.access == self.endpoint.access)

    @property
    def target(self) -> str:
        return f"{self.protocol} {self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A pod, an address, and whether the plan allows the connection."""

    source: Endpoint
    address: Address
    is_open: bool

    def mismatch(self, observed: str) -> str:
        """Return the message for an *observed* state other than the plan's."""
        to = self.address
        return f"{self.source.name} -> {to.endpoint.name} {to.target}: {observed}, not {_word(self.is_open)}"

    def matches(self, observed: str) -> bool:
        return observed == _word(self.is_open)


def matrix(sources: Sequence[Endpoint], addresses: Sequence[Address]) -> Iterator[Cell]:
    """Yield a cell for each source and each address but its own."""
    for source in sources:
        for address in addresses:
            if not address.is_own(source):
                yield Cell(
                    source=source, address=address, is_open=_leaves(source, address) and _enters(source, address)
                )


def _leaves(source: Endpoint, address: Address) -> bool:
    if source.exits is None:
        return not source.is_shut
    exits, target, port = source.exits, address.endpoint, address.pod_port
    called = target.access is not None and target.access.service in exits.callees
    return (
        (target.is_dns and port == DNS_PORT)
        or (called and _is_own_port(target, port))
        or (target.is_public and exits.internet and port == HTTPS)
        or (address.protocol == "tcp" and port in exits.anywhere)
        or (address.protocol == "tcp" and exits.api_server and port in API_SERVER)
    )


def _enters(source: Endpoint, address: Address) -> bool:
    access = address.endpoint.access
    if access is None:
        return not address.endpoint.is_shut
    is_allowed = (
        access.is_open
        or source.namespace in access.namespaces
        or (source.access is not None and source.access.service in access.callers)
    )
    return is_allowed and _is_own_port(address.endpoint, address.pod_port)


def _is_own_port(endpoint: Endpoint, port: int) -> bool:
    return endpoint.access is not None and port == endpoint.access.service.backend.container_port


def _word(is_open: bool) -> str:  # noqa: FBT001
    return OPEN if is_open else SHUT
