"""When a connection is tried again, and how often in all: retries must not be the load that keeps a backend down."""

import random
from collections.abc import Iterator

DELAYS_S = (0.5, 1.0, 2.0)
SHARE = 0.1
RESERVE = 3.0


class RetryBudget:
    """Retries of one backend: a tenth of its requests, and a small reserve for a backend that is asked rarely."""

    def __init__(self) -> None:
        self._tokens = RESERVE

    def deposit(self) -> None:
        """Count a request."""
        self._tokens = min(RESERVE, self._tokens + SHARE)

    def delays(self) -> Iterator[float]:
        """Seconds to wait before each retry, for as long as the budget lasts."""
        for delay_s in DELAYS_S:
            if self._tokens < 1:
                return
            self._tokens -= 1
            yield delay_s * random.uniform(0.75, 1.25)  # noqa: S311 - so that clients do not come back together
