"""Listening, until told to stop: then what is under way comes to its end."""

import asyncio
import logging
import signal
import socket

from synapse_gateway.api.table import table
from synapse_gateway.gateway import Gateway
from synapse_gateway.routing.reload import Watch
from synapse_gateway.server import memory
from synapse_gateway.server.application import Application, refuse
from synapse_gateway.server.http import Listener

log = logging.getLogger("synapse_gateway.server.serve")


async def serve(gateway: Gateway, listener: socket.socket, parent: int | None = None) -> None:
    """Answer until SIGTERM or SIGINT; returns when every call has come to its end, or its time to do so is over.

    *parent* is a pipe that ends with the process that started this one, which then stops too.
    """
    told, watch = _told_to_stop(parent), Watch(gateway)  # before anybody hears that it listens, and acts on it
    clients = Listener(Application(gateway, table()).handle, refuse)
    await gateway.start()
    await clients.start(listener)
    memory.settle()
    log.info("listening on port %d", listener.getsockname()[1])
    beside = [asyncio.create_task(work) for work in (watch.run(), memory.give_back_again_and_again())]
    try:
        await told.wait()
        await _drain(gateway, clients)
    finally:
        for task in beside:
            task.cancel()
        await gateway.close()


async def _drain(gateway: Gateway, clients: Listener) -> None:
    """Say that this replica goes, stop listening, and let what is under way end."""
    log.info("draining for up to %g s", gateway.settings.drain_s)
    gateway.drain()
    clients.drain()
    await asyncio.sleep(gateway.settings.drain_delay_s)
    await clients.stop(gateway.settings.drain_s)


def _told_to_stop(parent: int | None) -> asyncio.Event:
    """What is set by a signal, or by the end of *parent*."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def left(pipe: int) -> None:
        loop.remove_reader(pipe)  # its end can be read again and again
        told.set()

    if parent is not None:
        loop.add_reader(parent, left, parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told
