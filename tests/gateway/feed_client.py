"""Subscriber of the terminal feed, and helpers that produce log lines."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import msgspec

from synapse_gateway.observe.logs import ACCESS
from tests.gateway.running_gateway import RunningGateway

TOKEN = "the dashboard's own token"  # noqa: S105 - of this test alone
LIVE = {"SYNAPSE_TERMINAL_FEED_MODE": "live", "SYNAPSE_DASHBOARD_ACCESS_TOKEN": TOKEN}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WAIT_S = 10


class FeedClient:
    """Stream of the feed, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._chunks = answer.aiter_text()
        self._rest = ""

    async def frame(self) -> str:
        """Return the next event or comment without its empty line; empty at the end of the stream."""
        async with asyncio.timeout(WAIT_S):
            while "\n\n" not in self._rest:
                chunk = await anext(self._chunks, "")
                if not chunk:
                    return ""
                self._rest += chunk
        frame, _, self._rest = self._rest.partition("\n\n")
        return frame

    async def event(self) -> Any:
        """Return the data of the next event."""
        return data(await self.frame())

    async def until(self, text: str) -> list[Any]:
        """Return all events up to the one whose message contains *text*."""
        events: list[Any] = []
        while not events or text not in events[-1].get("message", ""):
            events.append(await self.event())
        return events


def data(frame: str) -> Any:
    return msgspec.json.decode(frame.partition("data: ")[2])


@asynccontextmanager
async def watching(gateway: RunningGateway, query: str = "", headers: Any = BEARER) -> AsyncIterator[FeedClient]:
    async with gateway.http.stream("GET", f"/events/terminal{query}", headers=headers) as answer:
        yield FeedClient(answer)


async def refusal(gateway: RunningGateway, query: str = "", headers: Any = BEARER) -> httpx.Response:
    """Return the error response of the feed. A feed that begins instead is not read: it has no end."""
    async with asyncio.timeout(WAIT_S), watching(gateway, query, headers) as watcher:
        assert watcher.answer.is_error, "the feed began"
        await watcher.answer.aread()
        return watcher.answer


@contextmanager
def logging_requests() -> Iterator[None]:
    """Enable the log of answered requests, as the program does."""
    logger = logging.getLogger(ACCESS)
    former, propagates = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(former)
        logger.propagate = propagates
