"""The circuit breaker of one backend: five failed connections in a row, and nobody asks it for half a minute."""

import enum
from collections.abc import Callable
from time import monotonic

from synapse_gateway.errors import UnavailableError

FAILURES = 5
OPEN_S = 30.0


class State(enum.IntEnum):
    """As the metric `synapse_breaker_state` shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Counts connections that could not be made. What a backend answers, of whatever status, is no failure."""

    def __init__(self, name: str, clock: Callable[[], float] = monotonic) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._is_open = False
        self._is_probing = False

    @property
    def state(self) -> State:
        if not self._is_open:
            return State.CLOSED
        return State.HALF_OPEN if self._remaining_s() <= 0 else State.OPEN

    def enter(self) -> None:
        """Ask to try. Raises UnavailableError while open; once half-open it lets exactly one try through."""
        if not self._is_open:
            return
        remaining_s = self._remaining_s()
        if remaining_s > 0 or self._is_probing:
            raise UnavailableError(
                f"{self._name} is not reachable; it is tried again shortly",
                code="breaker_open",
                retry_after_s=max(1.0, remaining_s),
            )
        self._is_probing = True

    def succeed(self) -> None:
        """The backend answered."""
        self._is_open = self._is_probing = False
        self._failures = 0

    def fail(self) -> None:
        """No connection was made."""
        self._failures += 1
        if self._is_probing or self._failures >= FAILURES:
            self._is_open, self._is_probing = True, False
            self._opened_at = self._clock()

    def leave(self) -> None:
        """The try was given up without a verdict: the next one may probe."""
        self._is_probing = False

    def _remaining_s(self) -> float:
        return self._opened_at + OPEN_S - self._clock()
