"""Who watches: a ring of the last lines, and for each watcher a queue that loses its oldest when it is slow."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from prometheus_client import Counter

from synapse_gateway.observe.feed.event import Line

END_S = 1.0
"""Seconds that a watcher who does not read has to take its last lines, once the feed ends."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a watcher wants to see. *sources* are exact; none means every one."""

    rank: int
    sources: frozenset[str] = frozenset()
    backlog: int = 80

    def shows(self, line: Line) -> bool:
        return line.rank >= self.rank and (not self.sources or line.event.source in self.sources)


class Subscription:
    """One watcher. *backlog* is what was said before, oldest first; nothing in it comes again."""

    def __init__(self, view: View, backlog: list[Line], queue_size: int, lost: Counter) -> None:
        self.view = view
        self.backlog = backlog
        self.abort: Callable[[], None] = _nothing
        self._queue: deque[Line] = deque(maxlen=queue_size)
        self._lost = lost
        self._news = asyncio.Event()
        self._is_over = False

    def offer(self, line: Line) -> None:
        """Queue *line* if it is wanted; a full queue loses its oldest."""
        if not self.view.shows(line):
            return
        if len(self._queue) == self._queue.maxlen:
            self._lost.inc()
        self._queue.append(line)
        self._news.set()

    def end(self) -> None:
        """Let the watcher go as soon as it has what is queued."""
        self._is_over = True
        self._news.set()

    async def batches(self, silence_s: float) -> AsyncIterator[list[Line]]:
        """What comes, together where it came together; an empty list after each *silence_s* seconds of nothing."""
        while self._queue or not self._is_over:
            try:
                async with asyncio.timeout(silence_s):
                    await self._news.wait()
            except TimeoutError:
                yield []
                continue
            self._news.clear()
            lines = list(self._queue)
            self._queue.clear()
            if lines:
                yield lines


class Hub:
    """The last *size* lines, and everybody who watches. For one thread: that of the event loop."""

    def __init__(self, size: int, queue_size: int, lost: Counter) -> None:
        self._ring: deque[Line] = deque(maxlen=size)
        self._queue_size = queue_size
        self._lost = lost
        self.watchers: set[Subscription] = set()

    def publish(self, line: Line) -> None:
        self._ring.append(line)
        for watcher in self.watchers:
            watcher.offer(line)

    @contextmanager
    def subscribe(self, view: View) -> Iterator[Subscription]:
        """Watch until the block ends. Backlog and queue meet without a gap: nothing is said between the two."""
        backlog = list(islice((line for line in reversed(self._ring) if view.shows(line)), view.backlog))
        watcher = Subscription(view, backlog[::-1], self._queue_size, self._lost)
        self.watchers.add(watcher)
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)

    def end(self) -> None:
        """Let every watcher go; one that does not read is cut off after a second."""
        loop = asyncio.get_running_loop()
        for watcher in self.watchers:
            watcher.end()
            loop.call_later(END_S, self._cut_off, watcher)

    def _cut_off(self, watcher: Subscription) -> None:
        if watcher in self.watchers:
            watcher.abort()


def _nothing() -> None:
    """What is called of a watcher that has no connection yet."""
