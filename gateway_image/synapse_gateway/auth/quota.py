"""What one key may use: requests in a minute, and calls at once."""

from collections.abc import Callable
from time import monotonic
from types import TracebackType

from synapse_gateway.errors import RateLimitedError


class Quota:
    """A bucket of a minute's requests that refills steadily, and places for calls at once; 0 means no limit."""

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
                f"this key may have {self._concurrency} calls at once", code="too_many_concurrent", retry_after_s=1
            )
        if self._per_minute:
            self._take()
        self.active += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active -= 1

    def _take(self) -> None:
        now, rate = self._clock(), self._per_minute / 60
        self._tokens = min(self._per_minute, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            raise RateLimitedError(
                f"this key may make {self._per_minute} requests a minute", retry_after_s=(1 - self._tokens) / rate
            )
        self._tokens -= 1
