"""One connection to a backend: bytes out, one parsed answer in, with backpressure both ways."""

import asyncio
from typing import cast

import httptools

from synapse_gateway.server.body_stream import Inflow
from synapse_gateway.server.deadline import Deadline
from synapse_gateway.upstream.http.errors import BrokenAnswerError, SilentBackendError, UpstreamError

Header = tuple[bytes, bytes]
LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class Connection(asyncio.Protocol):
    """Exchanges one request at a time. An exchange that is not read to its end costs the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._fault: UpstreamError | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._deadline = Deadline(loop, self._out_of_time)  # set for as long as an exchange lasts
        self._patience_s = 0.0
        self._is_streaming = False
        self.idle_since = 0.0

    def begin(self, seconds: float) -> None:
        """Make ready for an exchange, which fails with SilentBackendError unless it ends within *seconds*."""
        self._inflow = Inflow(self._loop, self._transport)
        self._is_kept = False
        self._is_streaming = False
        self._patience_s = seconds
        self._deadline.set(seconds)
        self.status = 0
        self.headers: list[Header] = []
        self.has_head = False

    # What a client does with it

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and self._fault is None

    @property
    def is_reusable(self) -> bool:
        """The answer was read to its end, and the backend keeps the connection."""
        return self._is_kept and self._inflow.is_drained and self.is_open

    def write(self, data: bytes) -> None:
        """Send the head of a request, or a part of its body."""
        if self._transport is None or self._fault is not None:
            raise self._fault or BrokenAnswerError("the connection is closed")
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the backend has taken what was written."""
        if self._can_write is not None:
            await self._can_write
        if self._fault is not None:
            raise self._fault

    def spoil(self) -> None:
        """Never use it again: a part of the request was left out."""
        self._is_kept = False

    async def head(self) -> None:
        """Wait until `status` and `headers` are there; raises UpstreamError."""
        while not self.has_head:
            await self._inflow.more()

    def stream(self) -> None:
        """From now on the exchange may take any time, and the silence in it may not."""
        self._is_streaming = True
        self._deadline.set(self._patience_s)

    async def part(self) -> bytes:
        """What has come of the body since the last call; empty at its end. Raises UpstreamError."""
        data = await self._inflow.part()
        if self._is_streaming:
            self._deadline.set(self._patience_s)
        return data

    def rest(self) -> None:
        """The exchange is over."""
        self._deadline.clear()

    def close(self) -> None:
        """End the connection now; what was not sent yet is dropped."""
        self._deadline.stop()
        if self._transport is not None:
            self._transport.abort()

    def _out_of_time(self) -> None:
        self._fail(SilentBackendError(f"nothing came for {self._patience_s:g} s"))

    def _fail(self, fault: UpstreamError) -> None:
        self._fault = self._fault or fault
        self._inflow.fail(self._fault)
        self.resume_writing()
        self.close()

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._deadline.is_set:  # nobody asked: whatever this is, it must not be taken for the next answer
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._inflow.is_complete:
                self.spoil()
                return
            self._fail(BrokenAnswerError(f"not an answer: {type(error).__name__}"))

    def eof_received(self) -> None:
        if self._deadline.is_set and self.has_head and not any(name in LENGTHS for name, _ in self.headers):
            self._inflow.end()  # an answer without a length ends with its connection

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        if self._deadline.is_set and not self._inflow.is_complete:
            self._fail(BrokenAnswerError("the connection ended before the answer did"))
        del self._parser  # it holds us as we hold it, and the collector comes by rarely

    def pause_writing(self) -> None:
        self._can_write = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None

    # What the parser tells

    def on_message_begin(self) -> None:
        if self._inflow.is_complete:
            raise BrokenAnswerError("a second answer to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers = []  # 100 Continue and the like: the answer is still to come
            return
        self._is_kept = self._parser.should_keep_alive()
        self.has_head = True
        self._inflow.wake()

    def on_body(self, data: bytes) -> None:
        self._inflow.feed(data)

    def on_message_complete(self) -> None:
        if self.has_head:
            self._inflow.end()
