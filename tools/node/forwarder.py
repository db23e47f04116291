"""Forward connections from a listening socket of the host to a service in the cluster; a process inside the node.

Arguments: the number of the inherited socket, and the target's host and port. The host is resolved for every
connection, since a Service may be made later, or again with another address.
"""

import asyncio
import socket
import sys
from functools import partial
from typing import Final

CHUNK_BYTES: Final = 1 << 16


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Serve without end."""
    await asyncio.start_server(partial(_carry, host, port), sock=listener)
    await asyncio.Event().wait()


async def _carry(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        target_reader, target_writer = await asyncio.open_connection(host, port)
    except OSError as error:
        print(f"{host}:{port}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, target_writer), _pump(target_reader, writer))
    finally:
        target_writer.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its sender ends it; the other direction goes on."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:  # a broken connection is aborted, not closed as if it were complete
        writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3])))
