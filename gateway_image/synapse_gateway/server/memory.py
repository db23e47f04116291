"""Memory that stays level: what was loaded is not looked at again, and what is free goes back to the system."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

GIVE_BACK_S = 60.0


def settle() -> None:
    """What was loaded stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def give_back_again_and_again(every_s: float = GIVE_BACK_S) -> None:
    """Until cancelled; takes about a millisecond each time, and nothing where the C library cannot do it."""
    give_back = trim()
    while give_back:
        await asyncio.sleep(every_s)
        give_back(0)


def trim() -> Callable[[int], int] | None:
    """The `malloc_trim` of glibc, which by itself keeps every free page below the last one in use, for good."""
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found
