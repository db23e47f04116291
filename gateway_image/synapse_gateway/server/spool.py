"""Bytes on their way through: in memory while they are few, else in a file without a name, which is gone in any case.

A reader or writer in a thread may outlive the request that began it; the lock keeps it from a file that is closed.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from math import inf
from threading import Lock
from typing import BinaryIO

from synapse_gateway.errors import InternalError, UnavailableError
from synapse_gateway.settings import KI, MI

IN_MEMORY = MI
CHUNK = 256 * KI


class Room:
    """Bytes on disk that everything under way may take together: a pod that fills its own scratch space is evicted."""

    def __init__(self, most: float = inf) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Raises UnavailableError (`uploads_full`) when there is not so much."""
        if size > self._left:
            raise UnavailableError("too many uploads at once; try later", code="uploads_full", retry_after_s=10)
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size


BOUNDLESS = Room()


class Spool:
    """Written once, then read any number of times, also by several readers."""

    def __init__(self, room: Room = BOUNDLESS) -> None:
        self._room = room
        self._taken = 0
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._lock = Lock()
        self._is_closed = False
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Add *data*. Raises UnavailableError where too much is under way, InternalError where the disk is full."""
        self.size += len(data)
        if self.size <= IN_MEMORY:
            self._memory += data
            return
        self._room.take(self.size - self._taken)
        self._taken = self.size
        await asyncio.to_thread(self._spill, data)

    def read_at(self, offset: int, size: int) -> bytes:
        """At most *size* bytes from *offset*, empty at the end. It blocks. Raises ValueError once closed."""
        with self._lock:
            if self._is_closed:
                raise ValueError("the spool is closed")
            if self._file is None:
                return bytes(self._memory[offset : offset + size])
            return os.pread(self._file.fileno(), size, offset)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it, from the beginning."""
        for offset in range(0, self.size, CHUNK):
            if self._file is None:
                yield self.read_at(offset, CHUNK)
            else:
                yield await asyncio.to_thread(self.read_at, offset, CHUNK)

    async def close(self) -> None:
        """Give the memory or the disk back."""
        if self._file is None:
            self._close()
        else:
            await asyncio.to_thread(self._close)
        self._room.give(self._taken)

    def _spill(self, data: bytes) -> None:
        try:
            with self._lock:
                if self._is_closed:
                    return
                if self._file is None:
                    self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the spool
                    _write_all(self._file, bytes(self._memory))
                    self._memory.clear()
                _write_all(self._file, data)
        except OSError as error:
            raise InternalError("there is no room for the upload; try later", code="storage_error") from error

    def _close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._memory.clear()
            if self._file is not None:
                self._file.close()


def _write_all(file: BinaryIO, data: bytes) -> None:
    """An unbuffered file may take less than it is given."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
