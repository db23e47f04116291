"""Reading of request bodies, with a limit of size and a minimum rate."""

import asyncio
from collections.abc import AsyncIterator

from synapse_gateway.errors import BadRequestError, SlowClientError, TooLargeError
from synapse_gateway.server.http import Request
from synapse_gateway.server.http.request import BadBodyError

LEAST_PROGRESS = 16 * 1024
"""Bytes that must arrive within each timeout: otherwise slow clients could hold connections open."""


async def read(request: Request, most: int, timeout_s: float) -> bytes:
    """Return the whole body. Raises TooLargeError (before buffering), SlowClientError and BadRequestError."""
    admit(request, most)
    if request.body.is_complete:
        whole = request.body.take()
        _check(len(whole), most)
        return whole
    return b"".join([part async for part in chunks(request, most, timeout_s)])


async def chunks(request: Request, most: int, timeout_s: float) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, for bodies too large for memory. Raises the errors of `read`."""
    admit(request, most)
    size, progress, loop = 0, 0, asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while part := await _part(request, deadline):
        size += len(part)
        progress += len(part)
        _check(size, most)
        if progress >= LEAST_PROGRESS:
            deadline, progress = loop.time() + timeout_s, 0
        yield part


def admit(request: Request, most: int) -> None:
    """Check the announced length, and send 100 Continue where the client waits for it."""
    length = request.length
    if length is not None:
        _check(length, most)
    request.proceed()


def _check(size: int, most: int) -> None:
    if size > most:
        raise TooLargeError(f"the body is larger than the limit of {most} bytes")


async def _part(request: Request, deadline: float) -> bytes:
    try:
        async with asyncio.timeout_at(deadline):
            return await request.body.part()
    except TimeoutError as error:
        raise SlowClientError("timed out while reading the request body") from error
    except BadBodyError as error:
        raise BadRequestError("the body does not match the headers of the request", code="bad_body") from error
