"""Spool of an upload: in memory while it is small, else in an unnamed file, which the system deletes in any case.

A thread that reads or writes may outlive its request; a lock keeps it from using a closed file.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from math import inf
from threading import Lock
from typing import BinaryIO

from synapse_gateway.errors import InternalError, UnavailableError
from synapse_gateway.settings import KI, MI

IN_MEMORY = MI
CHUNK = 256 * KI


class SpoolQuota:
    """Quota of disk space for all uploads in progress: a pod that fills its ephemeral storage is evicted."""

    def __init__(self, most: float = inf) -> None:
        self._left = most

    def reserve(self, size: int) -> None:
        """Reserve *size* bytes. Raises UnavailableError (`uploads_full`) when the quota is used up."""
        if size > self._left:
            raise UnavailableError("too many uploads in progress; retry later", code="uploads_full", retry_after_s=10)
        self._left -= size

    def release(self, size: int) -> None:
        self._left += size


UNLIMITED = SpoolQuota()


class Spool:
    """Data that is written once, then read any number of times, also concurrently."""

    def __init__(self, quota: SpoolQuota = UNLIMITED) -> None:
        self._quota = quota
        self._reserved = 0
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._lock = Lock()
        self._is_closed = False
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Append *data*. Raises UnavailableError when the quota is used up, InternalError when the disk is full."""
        self.size += len(data)
        if self.size <= IN_MEMORY:
            self._memory += data
            return
        self._quota.reserve(self.size - self._reserved)
        self._reserved = self.size
        await asyncio.to_thread(self._spill, data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes from *offset*, empty at the end. It blocks. Raises ValueError once closed."""
        with self._lock:
            if self._is_closed:
                raise ValueError("the spool is closed")
            if self._file is None:
                return bytes(self._memory[offset : offset + size])
            return os.pread(self._file.fileno(), size, offset)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content from the beginning."""
        for offset in range(0, self.size, CHUNK):
            if self._file is None:
                yield self.read_at(offset, CHUNK)
            else:
                yield await asyncio.to_thread(self.read_at, offset, CHUNK)

    async def close(self) -> None:
        """Free the memory or the file, and release the quota."""
        if self._file is None:
            self._close()
        else:
            await asyncio.to_thread(self._close)
        self._quota.release(self._reserved)

    def _spill(self, data: bytes) -> None:
        try:
            with self._lock:
                if self._is_closed:
                    return
                if self._file is None:
                    self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
                    _write_all(self._file, bytes(self._memory))
                    self._memory.clear()
                _write_all(self._file, data)
        except OSError as error:
            raise InternalError("no disk space for the upload; retry later", code="storage_error") from error

    def _close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._memory.clear()
            if self._file is not None:
                self._file.close()


@dataclass(slots=True, kw_only=True)
class Upload:
    """Uploaded file. *name* is chosen by the client and may be empty; never store the file under it."""

    name: str
    content_type: str
    spool: Spool
    head: bytes = b""  # its first bytes, at most 4 KiB

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.spool.size

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content; may be called again."""
        return self.spool.chunks()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return at most *size* bytes from *offset*. It blocks: call it in a thread."""
        return self.spool.read_at(offset, size)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of *data*: one write to an unbuffered file may be short."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
