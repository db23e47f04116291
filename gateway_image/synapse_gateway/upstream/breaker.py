"""Circuit breaker of one backend: after five failed connections in a row, refuse calls to it for 30 seconds."""

import enum
from collections.abc import Callable
from time import monotonic

from synapse_gateway.errors import UnavailableError

FAILURES = 5
OPEN_S = 30.0


class BreakerState(enum.IntEnum):
    """Value of the metric `synapse_breaker_state`."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Counter of failed connections. A response of any status counts as a success."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._is_open = False
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        if not self._is_open:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._remaining_s() <= 0 else BreakerState.OPEN

    def enter(self) -> None:
        """Begin an attempt. Raises UnavailableError while open; half-open, it allows exactly one attempt."""
        if not self._is_open:
            return
        remaining_s = self._remaining_s()
        if remaining_s > 0 or self._is_probing:
            raise UnavailableError(
                f"{self._name} is unreachable; the circuit breaker is open, retry later",
                code="breaker_open",
                retry_after_s=max(1.0, remaining_s),
            )
        self._is_probing = True

    def succeed(self) -> None:
        """Record a response."""
        self._is_open = self._is_probing = False
        self._failures = 0

    def fail(self) -> None:
        """Record a failed connection."""
        self._failures += 1
        if self._is_probing or self._failures >= FAILURES:
            self._is_open, self._is_probing = True, False
            self._opened_at = self._clock()

    def leave(self) -> None:
        """End an attempt without a result: the next call may be the probe."""
        self._is_probing = False

    def _remaining_s(self) -> float:
        return self._opened_at + OPEN_S - self._clock()
