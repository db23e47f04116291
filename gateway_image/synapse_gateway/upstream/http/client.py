"""A pool of connections to one backend, and the exchanges over them."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from synapse_gateway.upstream.http.connection import Connection
from synapse_gateway.upstream.http.errors import ConnectError, UpstreamError
from synapse_gateway.upstream.http.response import Answer

CONNECT_S = 5.0
IDLE_S = 4.0
"""Idle connections are dropped before the backend does it: uvicorn, which vLLM runs on, waits 5 s."""
MOST_IDLE = 512


@dataclass(slots=True)
class Request:
    """What to ask of a backend. A body of unknown length is sent in chunks, as fast as the backend takes it."""

    method: str
    path: str
    body: bytes | AsyncIterable[bytes] = b""
    headers: Iterable[tuple[str, str]] = field(default=())
    length: int | None = None  # of a body that comes in parts

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
    """Exchanges with one backend. Connections are its own, so that a slow backend starves no other."""

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
        self._idle: deque[Connection] = deque()  # the last one given back is the first one taken
        self._is_closed = False

    async def send(self, request: Request, timeout_s: float) -> Answer:
        """Ask, and return once the head of the answer is there; *timeout_s* is for the whole exchange.

        Raises ConnectError when nothing was sent, else BrokenAnswerError and SilentBackendError.
        """
        connection = self._take() or await self._connect()
        connection.begin(timeout_s)
        try:
            await self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        return Answer(connection, self._release)

    def close(self) -> None:
        """Drop idle connections; those in use are dropped when they are given back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, connection: Connection, request: Request) -> None:
        head = request.head(self._authority) if not self._prefix else self._prefixed(request)
        if isinstance(request.body, bytes):
            connection.write(head + request.body)
        else:
            connection.write(head)
            await _upload(connection, request.body, is_chunked=request.length is None)
        await connection.head()

    def _prefixed(self, request: Request) -> bytes:
        path = self._prefix + request.path
        return Request(request.method, path, request.body, request.headers, request.length).head(self._authority)

    def _take(self) -> Connection | None:
        self._drop_old()
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
        connection.rest()
        if self._is_closed or not connection.is_reusable or len(self._idle) >= MOST_IDLE:
            connection.close()
            return
        connection.idle_since = monotonic()
        self._idle.append(connection)


async def _upload(connection: Connection, body: AsyncIterable[bytes], *, is_chunked: bool) -> None:
    """Send *body* part by part, until its end or until the backend answers without waiting for it."""
    async for part in body:
        if not await _sent(connection, b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part):
            connection.spoil()
            return
    if is_chunked:
        connection.write(b"0\r\n\r\n")


async def _sent(connection: Connection, data: bytes) -> bool:
    """Whether the backend took *data*; not so once it has answered, for then it wants no more."""
    try:
        if not connection.has_head:
            connection.write(data)
            await connection.drain()
            return True
    except UpstreamError:
        if not connection.has_head:
            raise
    return False
