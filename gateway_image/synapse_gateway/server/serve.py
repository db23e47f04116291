"""Server process: listen until a signal, then drain."""

import asyncio
import logging
import signal
import socket

from synapse_gateway.gateway import Gateway
from synapse_gateway.routing.reload import ConfigWatcher
from synapse_gateway.server import memory
from synapse_gateway.server.application import Application, refuse
from synapse_gateway.server.endpoint import Table
from synapse_gateway.server.http import Listener

log = logging.getLogger("synapse_gateway.server.serve")


async def serve(gateway: Gateway, table: Table, listener: socket.socket, parent: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT; return when every call has ended, or the drain time is over.

    *parent* is a pipe that ends with the parent process; this one then stops too.
    """
    # Handlers and the file's content come before "listening": tests and operators act on that line.
    stop, watcher = _stop_event(parent), ConfigWatcher(gateway)
    clients = Listener(Application(gateway, table).handle, refuse)
    await gateway.start()
    await clients.start(listener)
    memory.freeze_startup_objects()
    log.info("listening on port %d", listener.getsockname()[1])
    background = [asyncio.create_task(work) for work in (watcher.run(), memory.trim_periodically())]
    try:
        await stop.wait()
        await _drain(gateway, clients)
    finally:
        for task in background:
            task.cancel()
        await gateway.close()


async def _drain(gateway: Gateway, clients: Listener) -> None:
    """Announce the end of this replica, stop listening, and let calls in progress end."""
    log.info("draining for up to %g s", gateway.settings.drain_s)
    gateway.drain()
    clients.drain()
    await asyncio.sleep(gateway.settings.drain_delay_s)
    await clients.stop(gateway.settings.drain_s)


def _stop_event(parent: int | None) -> asyncio.Event:
    """Return an event that is set by a signal, or by the end of *parent*."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def parent_ended(pipe: int) -> None:
        loop.remove_reader(pipe)  # a closed pipe stays readable
        stop.set()

    if parent is not None:
        loop.add_reader(parent, parent_ended, parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
