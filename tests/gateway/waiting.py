"""Waiting for what no event tells: a counter inside the gateway, or what another process did."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 30
"""For what takes milliseconds: a busy machine may stand still for seconds."""


async def until(is_so: Callable[[], object]) -> None:
    """Wait until it is so. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what is watched is a value, not an event
            await asyncio.sleep(0.002)
