"""A backend's answer: its head at once, its body as it comes."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from synapse_gateway.upstream.http.connection import Connection, Header
from synapse_gateway.upstream.http.errors import BrokenAnswerError


class Answer:
    """Use it as a context manager: leaving it early ends the exchange, and with it the backend's work."""

    __slots__ = ("_connection", "_release", "headers", "status")

    def __init__(self, connection: Connection, release: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._release = release
        self.status: int = connection.status
        self.headers: list[Header] = connection.headers

    def header(self, name: bytes) -> str | None:
        """The first value of the header *name*, which is in lower case."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the backend says so."""
        value = self.header(b"content-length")
        return int(value) if value is not None and value.isdigit() else None

    def stream(self) -> None:
        """Let the deadline bound the silence between two parts, instead of the whole exchange."""
        self._connection.stream()

    async def part(self) -> bytes:
        """What has come of the body since the last call, empty at its end. Raises UpstreamError."""
        return await self._connection.part()

    async def read(self, most: int) -> bytes:
        """The whole body. Raises UpstreamError, also when it is longer than *most* bytes."""
        parts, size = [], 0
        while data := await self._connection.part():
            parts.append(data)
            size += len(data)
            if size > most:
                raise BrokenAnswerError(f"an answer of more than {most} bytes")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release(self._connection)
