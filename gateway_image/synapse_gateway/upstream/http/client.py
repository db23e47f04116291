"""Connection pool of one backend."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from synapse_gateway.upstream.http.connection import Connection
from synapse_gateway.upstream.http.errors import BrokenResponseError, ConnectError, UpstreamError
from synapse_gateway.upstream.http.response import UpstreamResponse

CONNECT_S = 5.0
IDLE_S = 4.0
"""Seconds until idle connections are closed: before the backend does it (uvicorn, under vLLM, waits 5 s)."""
MOST_IDLE = 512


@dataclass(slots=True)
class UpstreamRequest:
    """Request to a backend. A body of unknown length is sent in chunks, as fast as the backend reads it.

    A body that is not in memory cannot be sent again: it goes on a new connection, which no backend closes beforehand.
    """

    method: str
    path: str
    body: bytes | AsyncIterable[bytes] = b""
    headers: Iterable[tuple[str, str]] = field(default=())
    length: int | None = None  # of a body that is an async iterable

    def head(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1\r\nhost: {host}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        if isinstance(self.body, bytes):
            if self.body or self.method != "GET":
                lines.append(f"content-length: {len(self.body)}\r\n")
        elif self.length is None:
            lines.append("transfer-encoding: chunked\r\n")
        else:
            lines.append(f"content-length: {self.length}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1")


class Client:
    """HTTP client of one backend, with a pool per backend: a slow one cannot use up the connections of another."""

    def __init__(
        self, url: str, connect_s: float = CONNECT_S, idle_s: float = IDLE_S, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        self._tls = tls or (ssl.create_default_context() if parts.scheme == "https" else None)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc
        self._prefix = parts.path.rstrip("/")
        self._connect_s = connect_s
        self._idle_s = idle_s
        self._idle: deque[Connection] = (
            deque()
        )  # used as a stack: the most recently released connection is reused first
        self._is_closed = False

    async def send(self, request: UpstreamRequest, timeout_s: float) -> UpstreamResponse:
        """Send *request*, and return when the head of the response has arrived; *timeout_s* limits the whole exchange.

        Raises ConnectError when nothing was sent, else BrokenResponseError and UpstreamTimeoutError.
        """
        self._drop_old()
        if isinstance(request.body, bytes) and (idle := self._reuse()):
            try:
                return await self._send(idle, request, timeout_s)
            except BrokenResponseError:
                if idle.has_data:
                    raise
                # The backend closed an idle connection while the request was on its way; llama-server does after 5 s.
                # Had it read the request, a second would still be harmless: requests to engines change nothing.
        return await self._send(await self._connect(), request, timeout_s)

    async def _send(self, connection: Connection, request: UpstreamRequest, timeout_s: float) -> UpstreamResponse:
        connection.begin(timeout_s)
        try:
            await self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        return UpstreamResponse(connection, self._release)

    def close(self) -> None:
        """Close idle connections; those in use are closed when they are released."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, connection: Connection, request: UpstreamRequest) -> None:
        head = request.head(self._authority) if not self._prefix else self._prefixed(request)
        if isinstance(request.body, bytes):
            connection.write(head + request.body)
        else:
            connection.write(head)
            await _upload(connection, request.body, is_chunked=request.length is None)
        await connection.head()

    def _prefixed(self, request: UpstreamRequest) -> bytes:
        path = self._prefix + request.path
        return UpstreamRequest(request.method, path, request.body, request.headers, request.length).head(
            self._authority
        )

    def _reuse(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    def _drop_old(self) -> None:
        oldest = monotonic() - self._idle_s
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            raise ConnectError(type(error).__name__) from error
        return connection

    def _release(self, connection: Connection) -> None:
        connection.finish()
        if self._is_closed or not connection.is_reusable or len(self._idle) >= MOST_IDLE:
            connection.close()
            return
        connection.idle_since = monotonic()
        self._idle.append(connection)


async def _upload(connection: Connection, body: AsyncIterable[bytes], *, is_chunked: bool) -> None:
    """Send *body* part by part, until its end or until the backend responds before the end."""
    async for part in body:
        if not await _sent(connection, b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part):
            connection.mark_unusable()
            return
    if is_chunked:
        connection.write(b"0\r\n\r\n")


async def _sent(connection: Connection, data: bytes) -> bool:
    """Send *data*; return False if the backend has responded already and reads no more."""
    try:
        if not connection.has_head:
            connection.write(data)
            await connection.drain()
            return True
    except UpstreamError:
        if not connection.has_head:
            raise
    return False
