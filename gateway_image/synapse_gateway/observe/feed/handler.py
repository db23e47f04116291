"""Log handler that publishes records to the feed, from any thread, without waiting and without recursion."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from synapse_gateway.observe.feed.event import SOURCE_CHARS, FeedEvent, level_name
from synapse_gateway.observe.feed.redaction import Redactor
from synapse_gateway.observe.logs import ACCESS


class FeedHandler(logging.Handler):
    """Calls *publish* with each record of level INFO and above, as an event, in the thread of *loop*."""

    def __init__(
        self, instance: str, redactor: Redactor, publish: Callable[[FeedEvent], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(logging.INFO)
        self._instance = instance
        self._redactor = redactor
        self._publish = publish
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._local = threading.local()

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Create no lock: events are published in the thread of the loop, so no thread waits for another."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Publish *record*, unless it is logged by the publishing of another record."""
        if getattr(self._local, "is_busy", False):
            return
        self._local.is_busy = True
        try:
            self._publish_in_loop(self._event(record))
        except Exception:  # noqa: BLE001 - logging must not fail in the code that logs
            self.handleError(record)
        finally:
            self._local.is_busy = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Print nothing: the default prints the arguments of the record, which may have secrets."""

    def _publish_in_loop(self, event: FeedEvent) -> None:
        if threading.get_ident() == self._loop_thread:
            self._publish(event)
        else:
            self._loop.call_soon_threadsafe(self._publish, event)  # a closed loop raises, and has no subscribers

    def _event(self, record: logging.LogRecord) -> FeedEvent:
        return FeedEvent(
            ts=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            source=self._redactor.clean(record.name)[:SOURCE_CHARS],
            level=level_name(record.levelno),
            message=self._redactor.clean(record.getMessage()),
            instance=self._instance,
        )

    def install(self) -> None:
        """Add the handler to the root logger, and to the access logger, which does not propagate."""
        logging.getLogger().addHandler(self)
        logging.getLogger(ACCESS).addHandler(self)
        logging.getLogger(ACCESS).propagate = False

    def remove(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger(ACCESS).removeHandler(self)
