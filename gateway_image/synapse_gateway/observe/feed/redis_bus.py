"""Between replicas: Redis carries each one's events to the others. Without Redis each has its own, and nothing waits.

Publishing and subscribing have a connection each, and each connection one task that owns it: a reply that was asked for
by one can never reach another (redis/redis-py#2665). What cannot be sent is counted and forgotten; it is a live feed.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from synapse_gateway.observe.feed.event import LEVELS, Event
from synapse_gateway.settings import FeedSettings

QUEUE = 1000
"""Events that wait to be published; more lose the oldest."""
BATCH = 100
FIRST_S, LONGEST_S = 1.0, 15.0
"""Seconds before another attempt; doubled after each that fails."""
SILENCE_S = 15.0
"""After as many seconds of nothing the server is asked whether it is there, and given as many again to say so."""
PAYLOAD_BYTES = 256 * 1024
CLOSE_S = 1.0
FAULTS = (RedisError, OSError, TimeoutError)
log = logging.getLogger("synapse_gateway.observe.feed")


class RedisBus:
    """*receive* gets the events of other replicas. `send` never waits and never fails."""

    def __init__(
        self,
        settings: FeedSettings,
        instance: str,
        failures: Counter,
        receive: Callable[[Event], None],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._failures = failures
        self._receive = receive
        self._silence_s = silence_s
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self.is_subscribed = asyncio.Event()

    def start(self) -> None:
        """Begin, and begin again after every fault; returns at once."""
        loops = (self._again("publish to", self._publish), self._again("subscribe to", self._subscribe))
        self._tasks = tuple(asyncio.create_task(loop) for loop in loops)

    def send(self, payload: bytes) -> None:
        if len(self._waiting) >= QUEUE:
            self._waiting.popleft()
            self._failures.inc()
        self._waiting.append(payload)
        self._news.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # For as long as the gateway runs

    async def _again(self, what: str, work: Callable[[Redis, Callable[[], None]], Awaitable[None]]) -> None:
        """Do *work* over a fresh connection, again after each fault; it calls what it is given when all is well."""
        delay_s, is_lost = FIRST_S, False

        def is_well() -> None:
            nonlocal delay_s, is_lost
            if is_lost:
                log.info("can %s Redis again", what)
            delay_s, is_lost = FIRST_S, False

        while True:
            client = self._client()
            try:
                await work(client, is_well)
            except FAULTS as error:
                if not is_lost:
                    log.warning("cannot %s Redis: %s; trying again", what, type(error).__name__)
                is_lost = True
            finally:
                await _let_go(client)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, LONGEST_S)

    def _client(self) -> Redis:
        seconds = self._settings.redis_connect_s
        return Redis.from_url(
            self._settings.redis_url or "",
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            retry=Retry(NoBackoff(), 0),  # again is what this file does; twice would show a line twice
            health_check_interval=0,
        )

    async def _publish(self, client: Redis, is_well: Callable[[], None]) -> None:
        while True:
            await self._news.wait()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
            if not batch:
                self._news.clear()
                continue
            try:
                await self._publish_all(client, batch)
            except FAULTS:
                self._failures.inc(len(batch))
                raise
            is_well()

    async def _publish_all(self, client: Redis, batch: list[bytes]) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for payload in batch:
                pipeline.publish(self._settings.redis_channel, payload)
            await pipeline.execute()

    async def _subscribe(self, client: Redis, is_well: Callable[[], None]) -> None:
        async with client.pubsub() as channel:
            try:
                await channel.subscribe(self._settings.redis_channel)
                while True:
                    message = await self._next(channel)
                    if message["type"] == "subscribe":
                        is_well()
                        self.is_subscribed.set()
                    elif message["type"] == "message":
                        self._take(message["data"])
            finally:
                self.is_subscribed.clear()

    def _take(self, payload: bytes) -> None:
        """Hand on what another replica said; anything else on the channel is no event of ours."""
        if len(payload) > PAYLOAD_BYTES:
            return
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = msgspec.json.decode(payload, type=Event)
            if event.instance != self._instance and event.level in LEVELS:
                self._receive(event)

    async def _next(self, channel: PubSub) -> Mapping[str, Any]:
        """What comes next. Raises TimeoutError when the server, asked whether it is there, does not say so."""
        for is_last in (False, True):
            if (message := await channel.get_message(timeout=self._silence_s)) is not None:
                return cast("Mapping[str, Any]", message)
            if not is_last:
                await channel.ping()
        raise TimeoutError


async def _let_go(client: Redis) -> None:
    with contextlib.suppress(*FAULTS):
        async with asyncio.timeout(CLOSE_S):
            await client.aclose()
