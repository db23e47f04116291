"""Who may call whom: the gateway is open to every namespace, everything else to the gateway alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.placement import Placed

ENTRIES = frozenset({"gateway", "litellm"})


@dataclass(frozen=True, kw_only=True)
class Access:
    """One service, and those of its namespace that may call its port."""

    service: Placed
    callers: tuple[Placed, ...] = ()
    is_open: bool = False  # to every namespace


def access(services: Sequence[Placed]) -> tuple[Access, ...]:
    """The whole table. A backend is called by the gateways of the stack; without one, by nobody."""
    gateways = tuple(service for service in services if service.backend.kind in ENTRIES)
    return tuple(
        Access(service=service, is_open=True) if service in gateways else Access(service=service, callers=gateways)
        for service in services
    )
