"""Looks again for a while: what the cluster is told takes a moment to be so everywhere."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from infra.errors import ReleaseError

T = TypeVar("T")
PATIENCE_S: Final = 20.0
"""In which a gateway that has just started finds its backends, and the nodes the way to it."""
PAUSE_S: Final = 0.5


def patiently(look: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """What *look* returns, once it raises no ReleaseError. Raises its last one."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return look()
        except ReleaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)
