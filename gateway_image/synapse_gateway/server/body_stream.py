"""Body of a request or response as it arrives, with backpressure: reading pauses while the consumer is slow."""

import asyncio
from collections import deque

HIGH_WATER = 256 * 1024
"""Buffered bytes above which reading from the transport pauses."""


class BodyStream:
    """Buffer between a parser, which feeds data, and one reader."""

    __slots__ = ("_error", "_is_paused", "_loop", "_parts", "_size", "_transport", "_waiter", "is_complete")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport | None) -> None:
        self._loop = loop
        self._transport = transport
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.is_complete = False

    @property
    def is_drained(self) -> bool:
        """True if the whole body was received and read."""
        return self.is_complete and not self._parts

    # Interface for the parser

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

    def fail(self, error: Exception) -> None:
        """Raise *error* in the reader after it has read the data received before."""
        self._error = self._error or error
        self.wake()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Interface for the reader

    async def part(self) -> bytes:
        """Return the data received since the last call; empty at the end. Raises the error given to `fail`."""
        while not self._parts:
            if self.is_complete:
                return b""
            await self.wait()
        return self.take()

    def take(self) -> bytes:
        """Return the buffered data, which may be empty, and resume reading."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def wait(self) -> None:
        """Wait for data, the end or an error. Raises the error given to `fail`."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
