"""Retry of a check while the cluster settles: a change takes a moment to reach every node."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from infra.errors import ReleaseError

T = TypeVar("T")
RETRY_FOR_S: Final = 20.0
"""Time for a gateway that has just started to connect to its backends, and for the nodes to route to it."""
PAUSE_S: Final = 0.5


def retry(check: Callable[[], T], for_s: float = RETRY_FOR_S) -> T:
    """Call *check* until it raises no ReleaseError, and return its result. Raises its last error after *for_s*."""
    deadline = time.monotonic() + for_s
    while True:
        try:
            return check()
        except ReleaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)
