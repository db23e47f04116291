"""Replica with its feed on Redis, and events of another replica."""

import asyncio

import msgspec

from tests.gateway.feed_client import LIVE
from tests.gateway.polling import TIMEOUT_S
from tests.gateway.running_gateway import RunningGateway


def environment(url: str, connect_s: float = 5) -> dict[str, str]:
    return {
        **LIVE,
        "SYNAPSE_INSTANCE_ID": "one",
        "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis",
        "SYNAPSE_TERMINAL_FEED_REDIS_URL": url,
        "SYNAPSE_TERMINAL_FEED_REDIS_CONNECT_TIMEOUT_SECONDS": str(connect_s),
    }


def foreign(**fields: str) -> bytes:
    """Return an event of another replica, as it is published to Redis."""
    given = {
        "ts": "2026-02-19T05:01:29.120000+00:00",
        "source": "x",
        "level": "INFO",
        "message": "m",
        "instance": "two",
    }
    return msgspec.json.encode({**given, **fields})


async def subscribed(gateway: RunningGateway) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        await gateway.gateway.feed.bus.is_subscribed.wait()  # type: ignore[union-attr]


async def until_message(messages: asyncio.Queue[bytes], text: bytes) -> bytes:
    """Return the next message that contains *text*."""
    while text not in (payload := await messages.get()):
        pass
    return payload
