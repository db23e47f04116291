"""One line of the log, as watchers and the other replicas see it."""

import logging
from collections.abc import Mapping
from functools import cached_property

import msgspec

LEVELS: Mapping[str, int] = {name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}
SOURCE_CHARS = 120


class Event(msgspec.Struct, frozen=True):
    """What one replica says to the others: these five keys, in compact JSON."""

    ts: str  # ISO 8601, UTC
    source: str
    level: str
    message: str
    instance: str


class Line:
    """An event and its two written forms, each made once however many watch."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.rank = LEVELS[event.level]

    @cached_property
    def payload(self) -> bytes:
        """The event as JSON; it has no line break, since JSON escapes them."""
        return msgspec.json.encode(self.event)

    @cached_property
    def frame(self) -> bytes:
        """The event as a server-sent event."""
        return b"event: log\ndata: %b\n\n" % self.payload


def level_name(number: int) -> str:
    """The nearest named level at or below *number*."""
    return next((name for name, least in reversed(tuple(LEVELS.items())) if number >= least), "DEBUG")
