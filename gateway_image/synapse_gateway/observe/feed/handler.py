"""From the log to the feed, whichever thread logs: never waiting, and never hearing itself."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from synapse_gateway.observe.feed.event import SOURCE_CHARS, Event, level_name
from synapse_gateway.observe.feed.redaction import Redactor
from synapse_gateway.observe.logs import ACCESS


class FeedHandler(logging.Handler):
    """Hands each record of INFO and above to *publish*, as an event, in the thread of *loop*."""

    def __init__(
        self, instance: str, redactor: Redactor, publish: Callable[[Event], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(logging.INFO)
        self._instance = instance
        self._redactor = redactor
        self._publish = publish
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._here = threading.local()

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Have none: events meet in the loop's thread, so no thread waits for another."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Publish *record*; one that is logged while another is being published is left to the other handlers."""
        if getattr(self._here, "is_busy", False):
            return
        self._here.is_busy = True
        try:
            self._hand_over(self._event(record))
        except Exception:  # noqa: BLE001 - a record that cannot be shown must not disturb the one who logged it
            self.handleError(record)
        finally:
            self._here.is_busy = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: logging's own way is to print the record's arguments, whatever they hold."""

    def _hand_over(self, event: Event) -> None:
        if threading.get_ident() == self._loop_thread:
            self._publish(event)
        else:
            self._loop.call_soon_threadsafe(self._publish, event)  # a closed loop raises: nobody watches any more

    def _event(self, record: logging.LogRecord) -> Event:
        return Event(
            ts=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            source=self._redactor.clean(record.name)[:SOURCE_CHARS],
            level=level_name(record.levelno),
            message=self._redactor.clean(record.getMessage()),
            instance=self._instance,
        )

    def install(self) -> None:
        """Listen to every logger. That of answered requests is asked by itself: it does not propagate."""
        logging.getLogger().addHandler(self)
        logging.getLogger(ACCESS).addHandler(self)
        logging.getLogger(ACCESS).propagate = False

    def remove(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger(ACCESS).removeHandler(self)
