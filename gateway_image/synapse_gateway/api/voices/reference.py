"""Recording of a voice, as a file to upload. A recording never changes; it is deleted with its voice."""

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
    """One recording. *name*: its file name on a backend; *digest*: the SHA-256 of its content."""

    name: str
    path: Path
    size: int
    digest: str
    content_type: str = "audio/wav"

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content. Raises ConflictError if the voice is deleted meanwhile."""
        for offset in range(0, self.size, CHUNK):
            yield await asyncio.to_thread(_read_chunk, self.path, offset)


def reference(voice_id: str, path: Path) -> Reference:
    """Return the recording in *path*; blocks. Raises ConflictError if it was deleted."""
    try:
        status = path.lstat()
        digest = _digest(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except FileNotFoundError as error:
        raise _deleted() from error
    return Reference(name=f"{voice_id}_{path.name}", path=path, size=status.st_size, digest=digest)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, changed_ns: int, size: int) -> str:  # noqa: ARG001 - key of the cache
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_chunk(path: Path, offset: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _deleted() from error
    try:
        return os.pread(file, CHUNK, offset)
    finally:
        os.close(file)


def _deleted() -> ConflictError:
    return ConflictError("the voice was deleted by another call", code="voice_busy", param="voice_id")
