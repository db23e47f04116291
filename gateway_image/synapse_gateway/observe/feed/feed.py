"""Feed of one replica: its own log records and those of other replicas, redacted, for its subscribers."""

import asyncio
import os
import re
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from synapse_gateway.errors import UnavailableError
from synapse_gateway.observe.feed.event import SOURCE_CHARS, EncodedEvent, FeedEvent
from synapse_gateway.observe.feed.handler import FeedHandler
from synapse_gateway.observe.feed.hub import FeedFilter, Hub, Subscription
from synapse_gateway.observe.feed.redaction import Redactor
from synapse_gateway.observe.feed.redis_bus import RedisBus
from synapse_gateway.observe.metrics import DIRECTORY, Metrics
from synapse_gateway.settings import FeedSettings

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:\d\d)")


class Feed:
    """Terminal feed; it is created and started in the event loop."""

    def __init__(self, settings: FeedSettings, instance: str, metrics: Metrics) -> None:
        self.settings = settings
        self.instance = instance = bus_name(instance)
        self._redactor = Redactor(settings.extra_patterns, settings.line_chars)
        self._hub = Hub(settings.buffer_size, settings.queue_size, metrics.feed_dropped)
        self._handler = FeedHandler(instance, self._redactor, self._publish_own, asyncio.get_running_loop())
        self.bus = (
            RedisBus(settings, instance, metrics.feed_failures, self._publish_remote) if settings.redis_url else None
        )
        self._has_ended = False

    @property
    def subscribers(self) -> int:
        """Number of subscribers."""
        return len(self._hub.subscriptions)

    def start(self) -> None:
        """Start to publish log records, and to receive those of other replicas as soon as Redis is available."""
        self._handler.install()
        if self.bus:
            self.bus.start()

    def subscribe(self, event_filter: FeedFilter) -> AbstractContextManager[Subscription]:
        """Subscribe until the block ends. Raises UnavailableError while this replica shuts down."""
        if self._has_ended:
            raise UnavailableError(
                "this replica is shutting down; connect to another one", code="draining", retry_after_s=1
            )
        return self._hub.subscribe(event_filter)

    def end(self) -> None:
        """End all subscriptions, since an endless stream would delay the shutdown of the replica."""
        self._has_ended = True
        self._hub.end()

    async def close(self) -> None:
        self._handler.remove()
        if self.bus:
            await self.bus.close()

    def _publish_own(self, event: FeedEvent) -> None:
        """Publish an event of this replica to its subscribers and to the other replicas."""
        encoded = EncodedEvent(event)
        self._hub.publish(encoded)
        if self.bus:
            self.bus.send(encoded.payload)

    def _publish_remote(self, event: FeedEvent) -> None:
        """Publish an event of another replica to the subscribers; it is redacted again and not passed on."""
        clean = self._redactor.clean
        self._hub.publish(
            EncodedEvent(
                msgspec.structs.replace(
                    event,
                    ts=event.ts if TIME.fullmatch(event.ts) and _is_time(event.ts) else "",
                    source=clean(event.source)[:SOURCE_CHARS],
                    message=clean(event.message),
                    instance=clean(event.instance)[:SOURCE_CHARS],
                )
            )
        )


def bus_name(instance: str) -> str:
    """Return the name of this process on the bus, with its process id if a replica has several workers.

    A process ignores events with its own name.
    """
    return f"{instance}.{os.getpid()}" if DIRECTORY in os.environ else instance


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
