"""Subscriptions of the feed: a ring buffer of the last events, and a bounded queue per subscriber."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from prometheus_client import Counter

from synapse_gateway.observe.feed.event import EncodedEvent

END_S = 1.0
"""Seconds until a subscriber that does not read is disconnected, after the feed ended."""


@dataclass(frozen=True, kw_only=True)
class FeedFilter:
    """Filter of a subscriber. *sources*: exact names; empty for all."""

    rank: int
    sources: frozenset[str] = frozenset()
    backlog: int = 80

    def matches(self, event: EncodedEvent) -> bool:
        return event.rank >= self.rank and (not self.sources or event.event.source in self.sources)


class Subscription:
    """One subscriber. *backlog*: earlier events, oldest first, which are not in the queue."""

    def __init__(
        self, event_filter: FeedFilter, backlog: list[EncodedEvent], queue_size: int, dropped: Counter
    ) -> None:
        self._filter = event_filter
        self.backlog = backlog
        self.abort: Callable[[], None] = _no_connection
        self._queue: deque[EncodedEvent] = deque(maxlen=queue_size)
        self._dropped = dropped
        self._has_events = asyncio.Event()
        self._has_ended = False

    def offer(self, event: EncodedEvent) -> None:
        """Queue *event* if it matches the filter; a full queue drops its oldest event."""
        if not self._filter.matches(event):
            return
        if len(self._queue) == self._queue.maxlen:
            self._dropped.inc()
        self._queue.append(event)
        self._has_events.set()

    def end(self) -> None:
        """End the subscription after the queued events."""
        self._has_ended = True
        self._has_events.set()

    async def batches(self, idle_s: float) -> AsyncIterator[list[EncodedEvent]]:
        """Yield the queued events together; an empty list after each *idle_s* seconds without events."""
        while self._queue or not self._has_ended:
            try:
                async with asyncio.timeout(idle_s):
                    await self._has_events.wait()
            except TimeoutError:
                yield []
                continue
            self._has_events.clear()
            events = list(self._queue)
            self._queue.clear()
            if events:
                yield events


class Hub:
    """Ring buffer of the last *size* events, and all subscriptions; for the thread of the event loop only."""

    def __init__(self, size: int, queue_size: int, dropped: Counter) -> None:
        self._ring: deque[EncodedEvent] = deque(maxlen=size)
        self._queue_size = queue_size
        self._dropped = dropped
        self.subscriptions: set[Subscription] = set()

    def publish(self, event: EncodedEvent) -> None:
        self._ring.append(event)
        for subscription in self.subscriptions:
            subscription.offer(event)

    @contextmanager
    def subscribe(self, event_filter: FeedFilter) -> Iterator[Subscription]:
        """Subscribe until the block ends. No event is missing between the backlog and the queue."""
        matches = (event for event in reversed(self._ring) if event_filter.matches(event))
        backlog = list(islice(matches, event_filter.backlog))[::-1]
        subscription = Subscription(event_filter, backlog, self._queue_size, self._dropped)
        self.subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self.subscriptions.discard(subscription)

    def end(self) -> None:
        """End all subscriptions, and disconnect those that have not ended after a second."""
        loop = asyncio.get_running_loop()
        for subscription in self.subscriptions:
            subscription.end()
            loop.call_later(END_S, self._disconnect, subscription)

    def _disconnect(self, subscription: Subscription) -> None:
        if subscription in self.subscriptions:
            subscription.abort()


def _no_connection() -> None:
    """Do nothing; the default of a subscription without a connection."""
