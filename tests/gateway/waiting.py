"""Waiting for what no event tells: a counter inside the gateway, or what another process did."""

import asyncio
from collections.abc import Callable


async def until(is_so: Callable[[], object]) -> None:
    """Wait until it is so, for five seconds at most."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - what is watched is a value, not an event
            await asyncio.sleep(0.002)
