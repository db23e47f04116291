"""Event of the feed: one log record, for subscribers and other replicas."""

import logging
from collections.abc import Mapping
from functools import cached_property

import msgspec

LEVELS: Mapping[str, int] = {name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}
SOURCE_CHARS = 120


class FeedEvent(msgspec.Struct, frozen=True):
    """Event as replicas exchange it: these five keys, in compact JSON."""

    ts: str  # ISO 8601, UTC
    source: str
    level: str
    message: str
    instance: str


class EncodedEvent:
    """Event and its two encodings, each made once for all subscribers."""

    def __init__(self, event: FeedEvent) -> None:
        self.event = event
        self.rank = LEVELS[event.level]

    @cached_property
    def payload(self) -> bytes:
        """Event as JSON, which has no line breaks because JSON escapes them."""
        return msgspec.json.encode(self.event)

    @cached_property
    def frame(self) -> bytes:
        """Event as a server-sent event."""
        return b"event: log\ndata: %b\n\n" % self.payload


def level_name(number: int) -> str:
    """Return the nearest named level at or below *number*."""
    return next((name for name, least in reversed(tuple(LEVELS.items())) if number >= least), "DEBUG")
