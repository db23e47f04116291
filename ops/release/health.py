"""Health of a released gateway: it answers through its Service, and reaches the backends that its predecessor did."""

from collections.abc import Iterable
from typing import Final

import httpx

from infra.errors import ReleaseError
from ops.gateway.connect import http_client
from ops.gateway.health import HEALTHY

HEALTH: Final = "/health"
READY: Final = "/readyz"
ROUNDS: Final = 6
"""Number of connections: the Service sends each to any of the replicas."""
TIMEOUT_S: Final = 20.0


def healthy_backends(url: str) -> frozenset[str]:
    """Return the backends that the gateway at *url* reports as healthy. Raises ReleaseError where it does not."""
    _get(url, READY)
    try:
        backends = _get(url, HEALTH).json()["backends"]
        return frozenset(name for name, state in backends.items() if state["status"] == HEALTHY)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"GET {url}{HEALTH} gives no state of the backends") from error


def check(url: str, before: Iterable[str]) -> frozenset[str]:
    """Return the backends that every replica reaches. Raises ReleaseError unless all of *before* are among them."""
    backends = frozenset.intersection(*(healthy_backends(url) for _ in range(ROUNDS)))
    if lost := frozenset(before) - backends:
        raise ReleaseError(f"GET {url}{HEALTH}: not healthy any more: {', '.join(sorted(lost))}")
    return backends


def _get(url: str, path: str) -> httpx.Response:
    try:
        with http_client(url, TIMEOUT_S) as http:
            response = http.get(path)
    except httpx.HTTPError as error:
        raise ReleaseError(f"GET {url}{path}: {error or type(error).__name__}") from error
    if response.status_code != httpx.codes.OK:
        raise ReleaseError(f"GET {url}{path}: {response.status_code} {response.text[:200]}")
    return response
