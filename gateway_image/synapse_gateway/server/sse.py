"""Parser of server-sent events, from a stream split at arbitrary points."""

from collections.abc import Iterator
from dataclasses import dataclass

LINE_BYTES = 4 * 1024 * 1024


class EventTooLongError(Exception):
    """A line longer than the limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; *name* is empty where the stream gives none."""

    name: str
    data: bytes


class EventParser:
    """Incremental parser. Lines may end in CRLF; comments are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that *part* completes. Raises EventTooLongError."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            raise EventTooLongError(f"a line of more than {LINE_BYTES} bytes")
        for line in lines:
            yield from self._line(line.rstrip(b"\r"))

    def _line(self, line: bytes) -> Iterator[ServerSentEvent]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif not line:
            if self._data:
                yield ServerSentEvent(self._name, b"\n".join(self._data))
            self._name, self._data = "", []
