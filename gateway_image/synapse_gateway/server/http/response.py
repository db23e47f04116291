"""Responses: whole, or streamed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from time import time

REASONS: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Response:
    """Whole response."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_last: bool = False  # close the connection after it

    def head(self, *, is_kept: bool) -> bytes:
        more = f"content-length: {len(self.body)}\r\n" if self.status not in {204, 304} else ""
        return head(self.status, self.headers, more, is_kept=is_kept)


class Stream:
    """Response in parts. `write` waits for a slow client; `finish` completes it, `abort` breaks it off visibly."""

    __slots__ = ("_abort", "_drain", "_is_chunked", "_send", "status")

    def __init__(
        self,
        status: int,
        send: Callable[[bytes], None],
        drain: Callable[[], Awaitable[None]],
        abort: Callable[[], None],
        *,
        is_chunked: bool,
    ) -> None:
        self.status = status
        self._send = send
        self._drain = drain
        self._abort = abort
        self._is_chunked = is_chunked

    async def write(self, data: bytes) -> None:
        self._send(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        await self._drain()

    def finish(self) -> None:
        if self._is_chunked:
            self._send(b"0\r\n\r\n")

    def abort(self) -> None:
        self._abort()


def head(status: int, headers: Mapping[str, str], more: str, *, is_kept: bool) -> bytes:
    """Return the head of a response; *more* are header lines of the connection."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    end = "\r\n" if is_kept else "connection: close\r\n\r\n"
    return f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n{_date()}{lines}{more}{end}".encode("latin-1")


_cached_date = (0, "")


def _date() -> str:
    """Return the `Date` line, made once a second."""
    global _cached_date  # noqa: PLW0603
    now = int(time())
    if _cached_date[0] != now:
        _cached_date = (now, f"date: {formatdate(now, usegmt=True)}\r\n")
    return _cached_date[1]
