"""Waiting for what no event tells: a counter inside the gateway."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object]) -> None:
    """Give way to everybody else until *holds*; the test's own time limit ends a wait in vain."""
    while not holds():  # noqa: ASYNC110 - what is watched is a number
        await asyncio.sleep(0)
