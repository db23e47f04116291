"""Admission control of one backend: a limit of concurrent calls, a bounded queue, and early refusal of the rest."""

import asyncio
from collections import deque
from types import TracebackType

from synapse_gateway.errors import RateLimitedError


class Admission:
    """Context manager around a call. Waiting calls are served in the order they came."""

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
        self._release_slot()

    async def _wait(self) -> None:
        if len(self._waiting) >= self._queue_size:
            raise RateLimitedError(
                f"{self._name}: queue full ({len(self._waiting)} waiting).", code="queue_full", retry_after_s=1
            )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._release_slot()  # the slot was assigned at the moment the client left
            elif turn in self._waiting:  # else _release_slot has already skipped this cancelled future
                self._waiting.remove(turn)
            raise

    def _release_slot(self) -> None:
        """Give the slot to the next waiting call, or mark it free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
