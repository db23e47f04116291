"""Exchange: a request and its one response, either a whole `Response` that is returned, or a `Stream`."""

from collections.abc import Mapping
from typing import Protocol

from synapse_gateway.server.http.request import Request
from synapse_gateway.server.http.response import Response, Stream, head


class Transport(Protocol):
    """The client's connection, as a response uses it."""

    @property
    def is_ending(self) -> bool:
        """True if the client must open a new connection for its next request."""
        ...

    def send(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def abort(self) -> None: ...


class Exchange:
    """One request and its response. *is_kept*: the connection stays open after it."""

    __slots__ = ("_transport", "is_kept", "request")

    def __init__(self, transport: Transport, request: Request) -> None:
        self._transport = transport
        self.request = request
        self.is_kept = request.is_kept

    def stream(self, status: int, headers: Mapping[str, str]) -> Stream:
        """Send the head now; the parts follow."""
        transport, is_chunked = self._transport, self.request.version != "1.0"
        self.is_kept = self.is_kept and is_chunked and not transport.is_ending
        more = "transfer-encoding: chunked\r\n" if is_chunked else ""
        transport.send(head(status, headers, more, is_kept=self.is_kept))
        return Stream(status, transport.send, transport.drain, transport.abort, is_chunked=is_chunked)

    def respond(self, response: Response) -> None:
        is_read = self.request.body.is_complete
        self.is_kept = self.is_kept and not response.is_last and is_read and not self._transport.is_ending
        self._transport.send(response.head(is_kept=self.is_kept) + response.body)
