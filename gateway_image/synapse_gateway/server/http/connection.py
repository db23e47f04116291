"""Client connection: parses requests and handles each in a task, one after the other."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

import httptools

from synapse_gateway.server.body_stream import BodyStream
from synapse_gateway.server.deadline import Deadline
from synapse_gateway.server.http.exchange import Exchange
from synapse_gateway.server.http.request import (
    BadBodyError,
    ClientLeftError,
    RefusedHeadError,
    Request,
    TooManyPipelinedError,
    merged_headers,
    origin_form,
)
from synapse_gateway.server.http.response import Response, Stream

HEAD_BYTES = 64 * 1024
HEAD_S = 15.0
"""Seconds for the head of a request, from its first byte."""
IDLE_S = 100.0
"""Idle timeout: longer than Traefik's (90 s), so that it never sends on a connection that is closing."""
LINGER_S = 2.0
"""Seconds to keep reading after an early response, so that the client can read it before the connection closes."""
MOST_PIPELINED = 8
"""Requests that a client may send before the response to the current one."""

Handle = Callable[[Exchange], Awaitable[Response | Stream]]
Refuse = Callable[[int, str], Response]


class ConnectionRegistry(Protocol):
    """Registry of open connections, kept by the listener."""

    @property
    def is_draining(self) -> bool:
        """True if responses must end their connections."""
        ...

    def add(self, connection: "ClientConnection") -> None: ...

    def remove(self, connection: "ClientConnection") -> None: ...


class ClientConnection(asyncio.Protocol):
    """Protocol of one connection. *refuse* makes the response to data that is not a valid request."""

    def __init__(self, handle: Handle, refuse: Refuse, registry: ConnectionRegistry) -> None:
        self._loop = asyncio.get_running_loop()
        self._handle = handle
        self._refuse = refuse
        self._registry = registry
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._incoming: Request | None = None
        self._serving: Request | None = None
        self._queue: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._deadline = Deadline(self._loop, self.abort)
        self._can_write: asyncio.Future[None] | None = None
        self._head_size = 0
        self._is_idle = False
        self.is_closing = False

    # Interface for the listener

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    @property
    def is_ending(self) -> bool:
        """See `Transport`."""
        return self.is_closing or self._registry.is_draining

    def retire(self) -> None:
        """Close after the current response."""
        self.is_closing = True
        if not self.is_busy and self._incoming is None:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Callbacks of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._registry.add(self)
        self._deadline.set(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._registry.remove(self)
        self._deadline.stop()
        if self._incoming is not None:
            self._incoming.body.fail(ClientLeftError())
        if self._task is not None:
            self._task.cancel()
        self.resume_writing()
        self._break_cycles()

    def data_received(self, data: bytes) -> None:
        if self.is_closing and self._incoming is None:
            return  # lingering: discard further data
        if self._incoming is None or not self._incoming.method:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_closing = True  # upgrades are not supported: answer it as a plain request
        except httptools.HttpParserError as error:
            self._reject(error.__context__)
        else:
            self._check_head()

    def eof_received(self) -> None:
        """Return None, which closes the transport: a client that stops sending has left."""

    def pause_writing(self) -> None:
        self._can_write = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None

    def _break_cycles(self) -> None:
        """Break reference cycles so that a closed connection is freed without the garbage collector."""
        del self._parser
        self._incoming = self._serving = None
        self._queue.clear()

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        self._incoming = Request(self.send, BodyStream(self._loop, self._transport))
        self._url: list[bytes] = []
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        request = self._incoming
        assert request is not None  # noqa: S101 - llhttp began the message
        request.version = self._parser.get_http_version()
        request.is_kept = self._parser.should_keep_alive() and request.version != "1.0"
        request.headers = merged_headers(self._headers, request.version)
        target = b"".join(self._url).decode("latin-1")
        request.path, _, request.query = (target if target[0] == "/" else origin_form(target)).partition("?")
        request.method = self._parser.get_method().decode("latin-1")
        self._head_size = 0
        self._is_idle = False
        self._deadline.clear()
        if self._task is not None:
            self._queue.append(request)
            if len(self._queue) > MOST_PIPELINED:
                raise TooManyPipelinedError
        else:
            self._start(request)

    def on_body(self, data: bytes) -> None:
        if self._incoming is not None:
            self._incoming.body.feed(data)

    def on_message_complete(self) -> None:
        if self._incoming is not None:
            self._incoming.body.end()
            self._incoming = None

    # Responses

    def _start(self, request: Request) -> None:
        self._serving = request
        self._task = self._loop.create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        exchange = Exchange(self, request)
        try:
            response = await self._handle(exchange)
            if isinstance(response, Response):
                exchange.respond(response)
        except asyncio.CancelledError:
            self.abort()
            return
        finally:
            self._task = None
        self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if not exchange.is_kept or not exchange.request.body.is_complete:
            self._linger()
        elif self._queue:
            self._start(self._queue.popleft())
        elif self.is_closing:
            self.close()
        else:
            self._is_idle = self._incoming is None
            self._deadline.set(IDLE_S if self._is_idle else HEAD_S)

    def _linger(self) -> None:
        """Shut down the sending side, and keep reading for a moment before closing."""
        self.is_closing = True
        if self._transport is None:
            return
        is_body_read = self._incoming is None
        if self._incoming is not None:
            self._incoming.body.take()
            self._incoming = None
        if is_body_read or not self._transport.can_write_eof():
            self.close()
        else:
            self._transport.write_eof()
            self._deadline.set(LINGER_S)

    def _reject(self, error: BaseException | None) -> None:
        """Handle data that is not a valid request or body."""
        self.is_closing = True
        if isinstance(error, TooManyPipelinedError):
            self.abort()
            return
        if self._task is not None:
            if self._incoming is self._serving and self._serving is not None:
                self._serving.body.fail(BadBodyError())
            return  # earlier requests are still answered
        status, message = (
            (error.status, str(error)) if isinstance(error, RefusedHeadError) else (400, "not a valid HTTP request")
        )
        self._incoming = None
        response = self._refuse(status, message)
        self.send(response.head(is_kept=False) + response.body)
        self.close()

    # Timeouts and writing

    def _check_head(self) -> None:
        if self._head_size > HEAD_BYTES and self._task is None:
            self._reject(RefusedHeadError(431, f"the request head is larger than the limit of {HEAD_BYTES} bytes"))
        elif self._is_idle and self._head_size:
            self._is_idle = False
            self._deadline.set(HEAD_S)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def drain(self) -> None:
        if self._can_write is not None:
            await self._can_write
