"""Whether a gateway answers through its Service, and reaches whom the one before it reached."""

from collections.abc import Iterable
from typing import Final

import httpx

from infra.errors import ReleaseError
from ops.gateway.connect import HERE

HEALTH: Final = "/health"
READY: Final = "/readyz"
ROUNDS: Final = 6
"""Connections of their own: the Service sends each to any of the replicas."""
ANSWER_S: Final = 20.0


def reached(url: str) -> frozenset[str]:
    """The backends that the gateway at *url* calls healthy. Raises ReleaseError where it gives no such answer."""
    _asked(url, READY)
    try:
        backends = _asked(url, HEALTH).json()["backends"]
        return frozenset(name for name, state in backends.items() if state["status"] == "healthy")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"GET {url}{HEALTH} gives no state of the backends") from error


def check(url: str, before: Iterable[str]) -> frozenset[str]:
    """What the gateway at *url* reaches by each replica. Raises ReleaseError unless that is all of *before*."""
    found = frozenset.intersection(*(reached(url) for _ in range(ROUNDS)))
    if lost := frozenset(before) - found:
        raise ReleaseError(f"GET {url}{HEALTH}: not healthy any more: {', '.join(sorted(lost))}")
    return found


def _asked(url: str, path: str) -> httpx.Response:
    try:
        with httpx.Client(base_url=url, mounts=HERE, timeout=ANSWER_S) as http:
            answer = http.get(path)
    except httpx.HTTPError as error:
        raise ReleaseError(f"GET {url}{path}: {error or type(error).__name__}") from error
    if answer.status_code != httpx.codes.OK:
        raise ReleaseError(f"GET {url}{path}: {answer.status_code} {answer.text[:200]}")
    return answer
