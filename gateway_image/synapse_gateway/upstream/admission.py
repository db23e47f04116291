"""How many calls a backend takes at once, and how many may wait for it; the rest are turned away early."""

import asyncio
from collections import deque
from types import TracebackType

from synapse_gateway.errors import RateLimitedError


class Admission:
    """Use it as a context manager around a call. Those who wait are served in the order they came."""

    def __init__(self, name: str, concurrency: int, queue: int) -> None:
        self._name = name
        self._free = concurrency
        self._queue_size = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.active = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def __aenter__(self) -> None:
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait()
        self.active += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active -= 1
        self._pass_on()

    async def _wait(self) -> None:
        if len(self._waiting) >= self._queue_size:
            raise RateLimitedError(
                f"{self._name} is busy, and as many as may wait for it do", code="queue_full", retry_after_s=1
            )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # the turn came as the client left
            elif turn in self._waiting:  # else it was passed over, as one that waits no more
                self._waiting.remove(turn)
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
