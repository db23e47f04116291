"""Writing, syncing and locking of files, so that a killed process leaves complete files only."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from synapse_gateway.errors import ConflictError
from synapse_gateway.settings import MI

LOCK_TIMEOUT_S = 10.0
POLL_S = 0.01


class Source(Protocol):
    """Readable content; `read_at` returns no bytes at its end."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, size: int, /) -> bytes: ...


def write(path: Path, source: Source) -> None:
    """Write the new file *path* and sync it to the disk."""
    with path.open("xb") as file:
        offset = 0
        while data := source.read_at(offset, MI):
            offset += file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes) -> None:
    """Write the new file *path* and sync it to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Sync the entries of *folder* to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[int]:
    """Hold the lock on the file *path*, shared by all replicas (flock, which ends with the process).

    Raises ConflictError if the lock is not free within *timeout_s*, FileNotFoundError if its folder is missing.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        while not try_lock(handle):
            if time.monotonic() > deadline:
                raise ConflictError(
                    "the voice is being changed by another call; retry", code="voice_busy", param="voice_id"
                )
            time.sleep(POLL_S)
        yield handle
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Try to lock an open file, until it is closed; return False if it is locked already."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
