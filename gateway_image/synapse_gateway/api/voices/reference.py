"""A recording on disk, as a file to send. What is there never changes: it is added whole, and goes with its voice."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from synapse_gateway.errors import ConflictError
from synapse_gateway.settings import KI

CHUNK = 256 * KI


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One recording. *name* is what a backend stores it under; *digest* (SHA-256) tells contents apart."""

    name: str
    path: Path
    size: int
    digest: str
    content_type: str = "audio/wav"

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it. Raises ConflictError when the voice is deleted meanwhile."""
        for offset in range(0, self.size, CHUNK):
            yield await asyncio.to_thread(_part, self.path, offset)


def reference(voice_id: str, path: Path) -> Reference:
    """The recording in *path*. It blocks. Raises ConflictError when it is not there any more."""
    try:
        found = path.lstat()
        digest = _digest(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError as error:
        raise _gone() from error
    return Reference(name=f"{voice_id}_{path.name}", path=path, size=found.st_size, digest=digest)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, changed_ns: int, size: int) -> str:  # noqa: ARG001 - a changed file has others
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _part(path: Path, offset: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _gone() from error
    try:
        return os.pread(file, CHUNK, offset)
    finally:
        os.close(file)


def _gone() -> ConflictError:
    return ConflictError("the voice was deleted by another call", code="voice_busy", param="voice_id")
