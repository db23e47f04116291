"""Redis bus: exchange of events between replicas. While Redis is away, each replica shows its own events.

Publishing and subscribing use one connection each, owned by one task each, so that a reply never reaches another task
(redis/redis-py#2665). Events that cannot be published are counted and dropped.
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

from synapse_gateway.observe.feed.event import LEVELS, FeedEvent
from synapse_gateway.settings import FeedSettings as Settings

QUEUE = 1000
"""Maximum of events that wait to be published; the oldest is dropped."""
BATCH = 100
MIN_RETRY_S, MAX_RETRY_S = 1.0, 15.0
"""Delay before a retry; doubled after each failure."""
IDLE_S = 15.0
"""Seconds without a message until the server is pinged, and again until the ping has failed."""
PAYLOAD_BYTES = 256 * 1024
CLOSE_S = 1.0
CONNECTION_ERRORS = (RedisError, OSError, TimeoutError)
log = logging.getLogger("synapse_gateway.observe.feed")


class RedisBus:
    """Bus that calls *receive* with the events of other replicas. `send` never waits and never fails."""

    def __init__(
        self,
        settings: Settings,
        instance: str,
        failures: Counter,
        receive: Callable[[FeedEvent], None],
        idle_s: float = IDLE_S,
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._failures = failures
        self._receive = receive
        self._idle_s = idle_s
        self._queue: deque[bytes] = deque()
        self._has_events = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self.is_subscribed = asyncio.Event()

    def start(self) -> None:
        """Start the tasks, which reconnect after every failure; return at once."""
        loops = (self._keep_running("publish to", self._publish), self._keep_running("subscribe to", self._subscribe))
        self._tasks = tuple(asyncio.create_task(loop) for loop in loops)

    def send(self, payload: bytes) -> None:
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self._failures.inc()
        self._queue.append(payload)
        self._has_events.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_running(self, action: str, task: Callable[[Redis, Callable[[], None]], Awaitable[None]]) -> None:
        """Run *task* with a new connection, again after each failure. The task calls its argument when it succeeds."""
        delay_s, is_failing = MIN_RETRY_S, False

        def succeed() -> None:
            nonlocal delay_s, is_failing
            if is_failing:
                log.info("can %s Redis again", action)
            delay_s, is_failing = MIN_RETRY_S, False

        while True:
            client = self._client()
            try:
                await task(client, succeed)
            except CONNECTION_ERRORS as error:
                if not is_failing:
                    log.warning("cannot %s Redis: %s; trying again", action, type(error).__name__)
                is_failing = True
            finally:
                await _close(client)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, MAX_RETRY_S)

    def _client(self) -> Redis:
        seconds = self._settings.redis_connect_s
        return Redis.from_url(
            self._settings.redis_url or "",
            socket_connect_timeout=seconds,
            socket_timeout=seconds,
            retry=Retry(NoBackoff(), 0),  # this module retries; a retry of the client would publish an event twice
            health_check_interval=0,
        )

    async def _publish(self, client: Redis, succeed: Callable[[], None]) -> None:
        while True:
            await self._has_events.wait()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH))]
            if not batch:
                self._has_events.clear()
                continue
            try:
                await self._publish_all(client, batch)
            except CONNECTION_ERRORS:
                self._failures.inc(len(batch))
                raise
            succeed()

    async def _publish_all(self, client: Redis, batch: list[bytes]) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for payload in batch:
                pipeline.publish(self._settings.redis_channel, payload)
            await pipeline.execute()

    async def _subscribe(self, client: Redis, succeed: Callable[[], None]) -> None:
        async with client.pubsub() as channel:
            try:
                await channel.subscribe(self._settings.redis_channel)
                while True:
                    message = await self._next(channel)
                    if message["type"] == "subscribe":
                        succeed()
                        self.is_subscribed.set()
                    elif message["type"] == "message":
                        self._receive_payload(message["data"])
            finally:
                self.is_subscribed.clear()

    def _receive_payload(self, payload: bytes) -> None:
        """Receive an event of another replica; any other message on the channel is ignored."""
        if len(payload) > PAYLOAD_BYTES:
            return
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = msgspec.json.decode(payload, type=FeedEvent)
            if event.instance != self._instance and event.level in LEVELS:
                self._receive(event)

    async def _next(self, channel: PubSub) -> Mapping[str, Any]:
        """Return the next message. Raises TimeoutError if the server does not answer a ping."""
        for is_last in (False, True):
            if (message := await channel.get_message(timeout=self._idle_s)) is not None:
                return cast("Mapping[str, Any]", message)
            if not is_last:
                await channel.ping()
        raise TimeoutError


async def _close(client: Redis) -> None:
    with contextlib.suppress(*CONNECTION_ERRORS):
        async with asyncio.timeout(CLOSE_S):
            await client.aclose()
