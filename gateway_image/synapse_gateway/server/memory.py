"""Memory use of a long-running process: fewer garbage collections, and free pages returned to the system."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

TRIM_S = 60.0


def freeze_startup_objects() -> None:
    """Exclude the objects that exist now from garbage collection: they live as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def trim_periodically(every_s: float = TRIM_S) -> None:
    """Return free memory to the system until cancelled; takes a millisecond each time."""
    malloc_trim = find_malloc_trim()
    while malloc_trim:
        await asyncio.sleep(every_s)
        malloc_trim(0)


def find_malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's `malloc_trim`, if there is one; glibc itself frees no page below the last one in use."""
    function: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return function
