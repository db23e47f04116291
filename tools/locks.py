"""Lock on a folder for one process at a time; it ends with the process that holds it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on `folder`, made with mode 0700 where it is missing; call `waiting` if another process has it.

    A holder may remove the folder, as the end of a twin does; the next holder makes a new one.
    """
    while True:
        handle = _open(folder)
        try:
            _take(handle, waiting)
            if _is_still(folder, handle):
                yield
                return
        finally:
            os.close(handle)


def _open(folder: Path) -> int:
    while True:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # removed by its holder between the two calls
            continue


def _take(handle: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)


def _is_still(folder: Path, handle: int) -> bool:
    try:
        now = folder.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)
