"""A hidden folder of each process's own, where everything lies that is not finished: new voices, and deleted ones.

A process holds a lock on its folder for as long as it lives. A folder without a holder is a leftover, and is removed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from synapse_gateway.api.voices.disk import try_lock
from synapse_gateway.api.voices.record import LOCK

PREFIX = ".work-"


class Scratch:
    """The folder of this process, on the file system of the library, so that a rename is all that finishing takes."""

    def __init__(self, root: Path) -> None:
        """Make it, and remove what dead processes left. The caller holds the library's lock. Raises OSError."""
        for leftover in root.glob(f"{PREFIX}*"):
            _remove_if_dead(leftover)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self._handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try_lock(self._handle)

    @contextmanager
    def place(self) -> Iterator[Path]:
        """A name for something unfinished; what is still there at the end is removed."""
        path = self.folder / uuid4().hex
        try:
            yield path
        finally:
            remove(path)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._handle)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
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
