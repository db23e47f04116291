"""Quota of one API key: requests per minute, and concurrent calls."""

from collections.abc import Callable
from time import monotonic
from types import TracebackType

from synapse_gateway.errors import RateLimitedError


class Quota:
    """Token bucket of requests per minute, and a limit of concurrent calls; 0 means no limit."""

    def __init__(self, per_minute: int = 0, concurrency: int = 0, clock: Callable[[], float] = monotonic) -> None:
        self._per_minute = per_minute
        self._concurrency = concurrency
        self._clock = clock
        self._tokens = float(per_minute)
        self._filled_at = clock()
        self.active = 0

    def __enter__(self) -> None:
        if self._concurrency and self.active >= self._concurrency:
            raise RateLimitedError(
                f"quota of this key reached: {self._concurrency} concurrent calls",
                code="too_many_concurrent",
                retry_after_s=1,
            )
        if self._per_minute:
            self._take_token()
        self.active += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active -= 1

    def _take_token(self) -> None:
        now, rate = self._clock(), self._per_minute / 60
        self._tokens = min(self._per_minute, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            raise RateLimitedError(
                f"quota of this key reached: {self._per_minute} requests per minute",
                retry_after_s=(1 - self._tokens) / rate,
            )
        self._tokens -= 1
