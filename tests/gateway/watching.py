"""Somebody who watches the terminal feed, and what a test needs to make it say something."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import msgspec

from synapse_gateway.observe.logs import ACCESS
from tests.gateway.running import Running

TOKEN = "the dashboard's own token"  # noqa: S105 - of this test alone
LIVE = {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_DASHBOARD_ACCESS_TOKEN": TOKEN}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WAIT_S = 10


class Watcher:
    """One stream of the feed, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._chunks = answer.aiter_text()
        self._rest = ""

    async def frame(self) -> str:
        """The next event or comment, without the empty line after it; empty at the end of the stream."""
        async with asyncio.timeout(WAIT_S):
            while "\n\n" not in self._rest:
                chunk = await anext(self._chunks, "")
                if not chunk:
                    return ""
                self._rest += chunk
        frame, _, self._rest = self._rest.partition("\n\n")
        return frame

    async def event(self) -> Any:
        """The data of the next event."""
        return data(await self.frame())

    async def until(self, text: str) -> list[Any]:
        """Every event up to the one whose message holds *text*."""
        found: list[Any] = []
        while not found or text not in found[-1].get("message", ""):
            found.append(await self.event())
        return found


def data(frame: str) -> Any:
    return msgspec.json.decode(frame.partition("data: ")[2])


@asynccontextmanager
async def watching(gateway: Running, query: str = "", headers: Any = BEARER) -> AsyncIterator[Watcher]:
    async with gateway.http.stream("GET", f"/events/terminal{query}", headers=headers) as answer:
        yield Watcher(answer)


async def refusal(gateway: Running, query: str = "", headers: Any = BEARER) -> httpx.Response:
    """What one is told who may not watch. A feed that begins instead has no end, and is not read."""
    async with asyncio.timeout(WAIT_S), watching(gateway, query, headers) as watcher:
        assert watcher.answer.is_error, "the feed began"
        await watcher.answer.aread()
        return watcher.answer


@contextmanager
def logging_requests() -> Iterator[None]:
    """Have the log of answered requests written, as the program does."""
    logger = logging.getLogger(ACCESS)
    former, propagates = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(former)
        logger.propagate = propagates
