"""Listener: accepts connections, and drains them at the end."""

import asyncio
import contextlib
import socket
from functools import partial

from synapse_gateway.server.http.connection import ClientConnection, Handle, Refuse

BACKLOG = 1024


class Listener:
    """Connections of one listening socket."""

    def __init__(self, handle: Handle, refuse: Refuse) -> None:
        self._connections: set[ClientConnection] = set()
        self._all_closed = asyncio.Event()
        self._new_connection = partial(ClientConnection, handle, refuse, self)
        self._server: asyncio.Server | None = None
        self.is_draining = False

    async def start(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_connection, sock=listener, backlog=BACKLOG)

    def drain(self) -> None:
        """Keep answering, but end the connection with each response."""
        self.is_draining = True

    async def stop(self, grace_s: float) -> None:
        """Stop accepting, wait until the current requests are answered, and abort the rest after *grace_s* seconds."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.retire()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._wait_until_closed()
        for connection in tuple(self._connections):
            connection.abort()

    def add(self, connection: ClientConnection) -> None:
        self._connections.add(connection)

    def remove(self, connection: ClientConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    async def _wait_until_closed(self) -> None:
        if self._connections:
            self._all_closed.clear()
            await self._all_closed.wait()
