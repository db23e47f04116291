"""Request of a client: its head, with checks that the parser does not make, and its body as it arrives."""

import re
from collections.abc import Callable, Mapping

from synapse_gateway.server.body_stream import BodyStream

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
ABSOLUTE_FORM = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)
SINGLE = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"transfer-encoding"})
"""Headers that must not be repeated."""


class ClientLeftError(Exception):
    """The client closed the connection before the end of its request."""


class BadBodyError(Exception):
    """The body does not match the headers of the request."""


class TooManyPipelinedError(Exception):
    """The client pipelines more requests than the limit."""


class RefusedHeadError(Exception):
    """A request head that is refused although it can be parsed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """One request. *path* is as the client sent it, without its query; names of *headers* are in lower case."""

    __slots__ = ("_is_continued", "_send", "body", "headers", "is_kept", "method", "path", "query", "version")

    def __init__(self, send: Callable[[bytes], None], body: BodyStream) -> None:
        self._send = send
        self._is_continued = False
        self.body = body
        self.method = ""
        self.path = ""
        self.query = ""
        self.headers: Mapping[str, str] = {}
        self.version = "1.1"
        self.is_kept = True

    @property
    def length(self) -> int | None:
        """Content-Length in bytes, where the client sent it."""
        value = self.headers.get("content-length")
        return int(value) if value is not None else None

    def proceed(self) -> None:
        """Send 100 Continue if the client waits for it, once."""
        if not self._is_continued and self.headers.get("expect", "").lower() == "100-continue":
            self._send(CONTINUE)
        self._is_continued = True


def origin_form(target: str) -> str:
    """Return a request target in absolute form, which proxies get, as path and query (RFC 9112, section 3.2)."""
    return "/" + ABSOLUTE_FORM.sub("", target).removeprefix("/")


def merged_headers(fields: list[tuple[bytes, bytes]], version: str) -> dict[str, str]:
    """Return headers by name, repeated ones joined. Raises RefusedHeadError.

    Duplicates of some are refused: a proxy in front might use the other value.
    """
    headers: dict[str, str] = {}
    for name, value in fields:
        key = name.decode("latin-1")
        if key in headers:
            if name in SINGLE:
                raise RefusedHeadError(400, f"duplicate header {key}")
            headers[key] += ("; " if name == b"cookie" else ", ") + value.decode("latin-1")
        else:
            headers[key] = value.decode("latin-1")
    if "host" not in headers and version == "1.1":
        raise RefusedHeadError(400, "missing header host")
    return headers
