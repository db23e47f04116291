"""Polling for a condition that has no event: a counter inside the gateway, or an effect of another process."""

import asyncio
from collections.abc import Callable

TIMEOUT_S = 30
"""Timeout for conditions that take milliseconds: a busy machine may pause for seconds."""


async def until(condition: Callable[[], object]) -> None:
    """Wait until *condition* returns a true value. Raises TimeoutError."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - what is watched is a value, not an event
            await asyncio.sleep(0.002)
