"""Server-sent events out of the parts in which a stream happens to come."""

from collections.abc import Iterator
from dataclasses import dataclass

MOST = 4 * 1024 * 1024


class EventTooLongError(Exception):
    """A backend that never ends its event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; *name* is empty where the stream gives it none."""

    name: str
    data: bytes


class Events:
    """Takes parts, gives the events that they complete. Lines may end in CRLF; comments are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> Iterator[Event]:
        """Raises EventTooLongError."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > MOST:
            raise EventTooLongError(f"a line of more than {MOST} bytes")
        for line in lines:
            yield from self._line(line.rstrip(b"\r"))

    def _line(self, line: bytes) -> Iterator[Event]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif not line:
            if self._data:
                yield Event(self._name, b"\n".join(self._data))
            self._name, self._data = "", []
