"""Carry connections from a listening socket of the host to a service in the cluster: a process of its own, inside.

Its arguments: the number of the inherited socket, and the host and port that its connections go to. The name is looked
up for every connection, since a Service may be made later, or again with another address.
"""

import asyncio
import socket
import sys
from functools import partial
from typing import Final

CHUNK_BYTES: Final = 1 << 16


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Never returns."""
    await asyncio.start_server(partial(_carry, host, port), sock=listener)
    await asyncio.Event().wait()


async def _carry(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        there, back = await asyncio.open_connection(host, port)
    except OSError as error:
        print(f"{host}:{port}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
    finally:
        back.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until its sender has no more to say; the other direction goes on."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:  # one of them is gone: the other is to know at once, and not to be sent an end that was none
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3])))
