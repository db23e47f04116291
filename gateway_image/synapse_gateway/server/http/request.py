"""What a client asked: the head at once, the body as it comes."""

from collections.abc import Callable, Mapping

from synapse_gateway.server.body_stream import Inflow

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientLeftError(Exception):
    """The client ended the connection in the middle of its request."""


class BadBodyError(Exception):
    """What came as a body is not what its head announced."""


class Request:
    """*path* is as the client sent it, without its query; names of *headers* are in lower case."""

    __slots__ = ("_is_asked", "_send", "body", "headers", "is_kept", "method", "path", "query", "version")

    def __init__(self, send: Callable[[bytes], None], body: Inflow) -> None:
        self._send = send
        self._is_asked = False
        self.body = body
        self.method = ""
        self.path = ""
        self.query = ""
        self.headers: Mapping[str, str] = {}
        self.version = "1.1"
        self.is_kept = True

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the client says so."""
        value = self.headers.get("content-length")
        return int(value) if value is not None else None

    def proceed(self) -> None:
        """Ask for the body where the client waits to be asked."""
        if not self._is_asked and self.headers.get("expect", "").lower() == "100-continue":
            self._send(CONTINUE)
        self._is_asked = True
