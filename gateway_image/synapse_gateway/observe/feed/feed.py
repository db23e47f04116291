"""The feed of one replica: what its log says and what the others say, made safe and handed to whoever watches."""

import asyncio
import os
import re
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from synapse_gateway.errors import UnavailableError
from synapse_gateway.observe.feed.event import SOURCE_CHARS, Event, Line
from synapse_gateway.observe.feed.handler import FeedHandler
from synapse_gateway.observe.feed.hub import Hub, Subscription, View
from synapse_gateway.observe.feed.redaction import Redactor
from synapse_gateway.observe.feed.redis_bus import RedisBus
from synapse_gateway.observe.metrics import DIRECTORY, Metrics
from synapse_gateway.settings import FeedSettings

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:\d\d)")


class Feed:
    """Made and started where the event loop runs."""

    def __init__(self, settings: FeedSettings, instance: str, metrics: Metrics) -> None:
        self.settings = settings
        self.instance = instance = named(instance)
        self._redactor = Redactor(settings.extra_patterns, settings.line_chars)
        self._hub = Hub(settings.buffer_size, settings.queue_size, metrics.feed_dropped)
        self._handler = FeedHandler(instance, self._redactor, self._say, asyncio.get_running_loop())
        self.bus = RedisBus(settings, instance, metrics.feed_failures, self._hear) if settings.redis_url else None
        self._is_over = False

    @property
    def watchers(self) -> int:
        return len(self._hub.watchers)

    def start(self) -> None:
        """Listen to the log; and to the other replicas, as soon as Redis is there."""
        self._handler.install()
        if self.bus:
            self.bus.start()

    def subscribe(self, view: View) -> AbstractContextManager[Subscription]:
        """Watch until the block ends. Raises UnavailableError once this replica goes."""
        if self._is_over:
            raise UnavailableError("this replica is going; watch another", code="draining", retry_after_s=1)
        return self._hub.subscribe(view)

    def end(self) -> None:
        """Let every watcher go at once: a stream without an end must not hold up the replica's."""
        self._is_over = True
        self._hub.end()

    async def close(self) -> None:
        self._handler.remove()
        if self.bus:
            await self.bus.close()

    def _say(self, event: Event) -> None:
        """One of our own: to those who watch here, and to the other replicas."""
        line = Line(event)
        self._hub.publish(line)
        if self.bus:
            self.bus.send(line.payload)

    def _hear(self, event: Event) -> None:
        """One of another replica's: its word on what is safe is not taken, and it goes no further."""
        clean = self._redactor.clean
        self._hub.publish(
            Line(
                msgspec.structs.replace(
                    event,
                    ts=event.ts if TIME.fullmatch(event.ts) and _is_time(event.ts) else "",
                    source=clean(event.source)[:SOURCE_CHARS],
                    message=clean(event.message),
                    instance=clean(event.instance)[:SOURCE_CHARS],
                )
            )
        )


def named(instance: str) -> str:
    """The name of this process on the bus: where several share a replica's, each would swallow the others' lines."""
    return f"{instance}.{os.getpid()}" if DIRECTORY in os.environ else instance


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
