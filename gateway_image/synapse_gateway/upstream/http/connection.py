"""One connection to a backend: sends requests and parses responses, with backpressure in both directions."""

import asyncio
from typing import cast

import httptools

from synapse_gateway.server.body_stream import BodyStream
from synapse_gateway.server.deadline import Deadline
from synapse_gateway.upstream.http.errors import BrokenResponseError, UpstreamError, UpstreamTimeoutError

Header = tuple[bytes, bytes]
LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class Connection(asyncio.Protocol):
    """Connection for one exchange at a time. It is closed when a response is not read to its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._deadline = Deadline(loop, self._time_out)  # set for as long as an exchange lasts
        self._timeout_s = 0.0
        self._is_streaming = False
        self.has_data = False  # any byte of a response in this exchange
        self.idle_since = 0.0

    def begin(self, seconds: float) -> None:
        """Prepare an exchange, which fails with UpstreamTimeoutError unless it ends within *seconds*."""
        self._body = BodyStream(self._loop, self._transport)
        self._is_kept = False
        self._is_streaming = False
        self._timeout_s = seconds
        self._deadline.set(seconds)
        self.has_data = False
        self.status = 0
        self.headers: list[Header] = []
        self.has_head = False

    # Interface for the pool

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and self._error is None

    @property
    def is_reusable(self) -> bool:
        """True if the response was read to its end and the backend keeps the connection open."""
        return self._is_kept and self._body.is_drained and self.is_open

    def write(self, data: bytes) -> None:
        """Send the head of a request, or a part of its body."""
        if self._transport is None or self._error is not None:
            raise self._error or BrokenResponseError("the connection is closed")
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the write buffer has room."""
        if self._can_write is not None:
            await self._can_write
        if self._error is not None:
            raise self._error

    def mark_unusable(self) -> None:
        """Close the connection after this exchange: the request was not sent completely."""
        self._is_kept = False

    async def head(self) -> None:
        """Wait for `status` and `headers`; raises UpstreamError."""
        while not self.has_head:
            await self._body.wait()

    def stream(self) -> None:
        """Apply the timeout to the gap between two parts, no longer to the whole exchange."""
        self._is_streaming = True
        self._deadline.set(self._timeout_s)

    async def part(self) -> bytes:
        """Return the bytes of the body received since the last call; empty at its end. Raises UpstreamError."""
        data = await self._body.part()
        if self._is_streaming:
            self._deadline.set(self._timeout_s)
        return data

    def finish(self) -> None:
        """End the exchange."""
        self._deadline.clear()

    def close(self) -> None:
        """Close the connection now and drop unsent data."""
        self._deadline.stop()
        if self._transport is not None:
            self._transport.abort()

    def _time_out(self) -> None:
        self._fail(UpstreamTimeoutError(f"no data for {self._timeout_s:g} s"))

    def _fail(self, error: UpstreamError) -> None:
        self._error = self._error or error
        self._body.fail(self._error)
        self.resume_writing()
        self.close()

    # Callbacks of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._deadline.is_set:  # unsolicited data must not be read as the next response
            self.close()
            return
        self.has_data = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._body.is_complete:
                self.mark_unusable()
                return
            self._fail(BrokenResponseError(f"not a valid response: {type(error).__name__}"))

    def eof_received(self) -> None:
        if self._deadline.is_set and self.has_head and not any(name in LENGTHS for name, _ in self.headers):
            self._body.end()  # a response without a length ends with its connection

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        if self._deadline.is_set and not self._body.is_complete:
            self._fail(BrokenResponseError("the connection closed before the end of the response"))
        del self._parser  # breaks a reference cycle: the connection is freed without the garbage collector

    def pause_writing(self) -> None:
        self._can_write = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        if self._body.is_complete:
            raise BrokenResponseError("a second response to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers = []  # 100 Continue and other interim responses: the final one follows
            return
        self._is_kept = self._parser.should_keep_alive()
        self.has_head = True
        self._body.wake()

    def on_body(self, data: bytes) -> None:
        self._body.feed(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self._body.end()
