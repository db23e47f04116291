"""Hidden folder of each process for unfinished voices, new and deleted.

A process locks its folder while it runs; a folder without a lock belongs to a dead process and is removed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from synapse_gateway.api.voices.disk import try_lock
from synapse_gateway.api.voices.layout import LOCK

PREFIX = ".work-"


class ScratchFolder:
    """Folder of this process, on the file system of the library, so that one rename finishes a voice."""

    def __init__(self, root: Path) -> None:
        """Create the folder and remove those of dead processes. The caller holds the library's lock. Raises OSError."""
        for leftover in root.glob(f"{PREFIX}*"):
            _remove_if_dead(leftover)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self._handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try_lock(self._handle)

    @contextmanager
    def temporary_path(self) -> Iterator[Path]:
        """Give a new path; a file or folder still there at the end is removed."""
        path = self.folder / uuid4().hex
        try:
            yield path
        finally:
            remove(path)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._handle)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _remove_if_dead(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if try_lock(handle):
                shutil.rmtree(folder)
        finally:
            os.close(handle)
