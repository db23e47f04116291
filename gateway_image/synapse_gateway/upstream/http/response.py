"""Response of a backend: its head at once, its body as it arrives."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from synapse_gateway.upstream.http.connection import Connection, Header
from synapse_gateway.upstream.http.errors import BrokenResponseError


class UpstreamResponse:
    """Context manager; leaving it early ends the exchange, and with it the backend's work."""

    __slots__ = ("_connection", "_release", "headers", "status")

    def __init__(self, connection: Connection, release: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._release = release
        self.status: int = connection.status
        self.headers: list[Header] = connection.headers

    def header(self, name: bytes) -> str | None:
        """Return the first value of the header *name*, which is in lower case."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    @property
    def length(self) -> int | None:
        """Content-Length in bytes, where the backend sent it."""
        value = self.header(b"content-length")
        return int(value) if value is not None and value.isdigit() else None

    def stream(self) -> None:
        """Apply the timeout to the gap between two parts, instead of to the whole exchange."""
        self._connection.stream()

    async def part(self) -> bytes:
        """Return the bytes received since the last call, empty at the end. Raises UpstreamError."""
        return await self._connection.part()

    async def read(self, most: int) -> bytes:
        """Return the whole body. Raises UpstreamError, also when it is longer than *most* bytes."""
        parts, size = [], 0
        while data := await self._connection.part():
            parts.append(data)
            size += len(data)
            if size > most:
                raise BrokenResponseError(f"a response of more than {most} bytes")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release(self._connection)
