"""A body as it comes in, from either side: its sender waits while its reader is slow."""

import asyncio
from collections import deque

HIGH_WATER = 256 * 1024
"""Bytes that wait for a slow reader before the sender is made to wait too."""


class Inflow:
    """Parts of a body between a parser, which feeds, and one reader, which takes them."""

    __slots__ = ("_fault", "_is_paused", "_loop", "_parts", "_size", "_transport", "_waiter", "is_complete")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport | None) -> None:
        self._loop = loop
        self._transport = transport
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self.is_complete = False

    @property
    def is_drained(self) -> bool:
        """The whole body came, and was taken."""
        return self.is_complete and not self._parts

    # The parser's side

    def feed(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self.wake()

    def end(self) -> None:
        self.is_complete = True
        self.wake()

    def fail(self, fault: Exception) -> None:
        """Have the reader meet *fault* once it took what came before."""
        self._fault = self._fault or fault
        self.wake()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The reader's side

    async def part(self) -> bytes:
        """What has come since the last call; empty at the end. Raises the sender's fault."""
        while not self._parts:
            if self.is_complete:
                return b""
            await self.more()
        return self.taken()

    def taken(self) -> bytes:
        """What is there now, which may be nothing."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def more(self) -> None:
        """Wait until something happens. Raises the sender's fault."""
        if self._fault is not None:
            raise self._fault
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
