"""Accepting clients, and letting them finish when it is over."""

import asyncio
import contextlib
import socket
from functools import partial

from synapse_gateway.server.http.connection import Handle, Peer, Refuse

BACKLOG = 1024


class Listener:
    """The clients of one listening socket."""

    def __init__(self, handle: Handle, refuse: Refuse) -> None:
        self._peers: set[Peer] = set()
        self._all_left = asyncio.Event()
        self._new_peer = partial(Peer, handle, refuse, self)
        self._server: asyncio.Server | None = None
        self.is_draining = False

    async def start(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_peer, sock=listener, backlog=BACKLOG)

    def drain(self) -> None:
        """Answer on, and let each answer say that its connection ends: nothing more is then sent into it."""
        self.is_draining = True

    async def stop(self, grace_s: float) -> None:
        """Take no more clients, wait until those that are there have their answers, and cut off the rest."""
        if self._server is not None:
            self._server.close()
        for peer in tuple(self._peers):
            peer.retire()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._until_all_left()
        for peer in tuple(self._peers):
            peer.abort()

    def join(self, peer: Peer) -> None:
        """A client came."""
        self._peers.add(peer)

    def leave(self, peer: Peer) -> None:
        """A client is gone."""
        self._peers.discard(peer)
        if not self._peers:
            self._all_left.set()

    async def _until_all_left(self) -> None:
        if self._peers:
            self._all_left.clear()
            await self._all_left.wait()
