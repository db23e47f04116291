"""Write files that only their owner can read, and that are whole after a loss of power."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, content: bytes | str) -> None:
    """Replace `path` in one step by a file of mode 0600; its content is on the disk first."""
    fresh = _fresh(path, content)
    fresh.replace(path)
    _sync_folder(path.parent)


def create_private(path: Path, content: bytes | str) -> None:
    """Write `path` in one step unless it exists: of two that do so at once, one wins."""
    fresh = _fresh(path, content)
    with suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
    _sync_folder(path.parent)


def _fresh(path: Path, content: bytes | str) -> Path:
    """Write a new file beside `path`; nothing is left of it where that fails, as on a full disk."""
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _sync_folder(folder: Path) -> None:
    """Bring the folder's names to the disk, without which a rename may be undone by a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
