"""Files that are there whole or not at all, whatever ends the process: written aside, synced, then given their name."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from synapse_gateway.errors import ConflictError
from synapse_gateway.settings import MI

PATIENCE_S = 10.0
POLL_S = 0.01


class Source(Protocol):
    """Bytes to be written, asked for by offset and size; empty at their end."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, size: int, /) -> bytes: ...


def write(path: Path, source: Source) -> None:
    """Write the new file *path*, and return once the disk has it."""
    with path.open("xb") as file:
        offset = 0
        while data := source.read_at(offset, MI):
            offset += file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes) -> None:
    """Write the new file *path*, and return once the disk has it."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Have the disk keep the names in *folder*."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, patience_s: float = PATIENCE_S) -> Iterator[int]:
    """Hold the lock on the file *path* (flock, so a process that dies lets go), shared by all replicas.

    Raises ConflictError when another holds it for longer, FileNotFoundError where its folder is gone.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience_s
        while not try_lock(handle):
            if time.monotonic() > deadline:
                raise ConflictError("the voice is being changed by another call", code="voice_busy", param="voice_id")
            time.sleep(POLL_S)
        yield handle
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Whether the lock on an open file could be had at once; it is held until the file is closed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
