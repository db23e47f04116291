"""Answers: whole, or in parts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from time import time

REASONS: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Response:
    """A whole answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_last: bool = False  # the connection ends with it

    def head(self, *, is_kept: bool) -> bytes:
        more = f"content-length: {len(self.body)}\r\n" if self.status not in {204, 304} else ""
        return head(self.status, self.headers, more, is_kept=is_kept)


class Stream:
    """An answer in parts. *write* waits for a slow client; its `finish` makes it whole, `abort` visibly broken."""

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
    """The head of an answer; *more* are lines that the connection adds."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    end = "\r\n" if is_kept else "connection: close\r\n\r\n"
    return f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n{_date()}{lines}{more}{end}".encode("latin-1")


_dated = (0, "")


def _date() -> str:
    """The `Date` line, made once a second."""
    global _dated  # noqa: PLW0603
    now = int(time())
    if _dated[0] != now:
        _dated = (now, f"date: {formatdate(now, usegmt=True)}\r\n")
    return _dated[1]
