"""A request and the way to answer it, once: by returning a Response, or by a Stream."""

from collections.abc import Mapping
from typing import Protocol

from synapse_gateway.server.http.request import Request
from synapse_gateway.server.http.response import Response, Stream, head


class Line(Protocol):
    """The client's connection, as far as an answer needs it."""

    @property
    def is_ending(self) -> bool:
        """The client is to send its next request on another."""
        ...

    def send(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...

    def abort(self) -> None: ...


class Exchange:
    """One request, and its answer. *is_kept*: the connection goes on after it."""

    __slots__ = ("_line", "is_kept", "request")

    def __init__(self, line: Line, request: Request) -> None:
        self._line = line
        self.request = request
        self.is_kept = request.is_kept

    def stream(self, status: int, headers: Mapping[str, str]) -> Stream:
        """Send the head now; the parts follow."""
        line, is_chunked = self._line, self.request.version != "1.0"
        self.is_kept = self.is_kept and is_chunked and not line.is_ending
        more = "transfer-encoding: chunked\r\n" if is_chunked else ""
        line.send(head(status, headers, more, is_kept=self.is_kept))
        return Stream(status, line.send, line.drain, line.abort, is_chunked=is_chunked)

    def respond(self, response: Response) -> None:
        is_whole = self.request.body.is_complete
        self.is_kept = self.is_kept and not response.is_last and is_whole and not self._line.is_ending
        self._line.send(response.head(is_kept=self.is_kept) + response.body)
