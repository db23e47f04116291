"""The body of a request, taken in under a limit of bytes and of patience."""

import asyncio
from collections.abc import AsyncIterator

from synapse_gateway.errors import BadRequestError, SlowClientError, TooLargeError
from synapse_gateway.server.http import Request
from synapse_gateway.server.http.request import BadBodyError

LEAST_PROGRESS = 16 * 1024
"""Bytes that must come in each spell of patience: less is a client that holds a place and sends nothing."""


async def read(request: Request, most: int, patience_s: float) -> bytes:
    """The whole body. Raises TooLargeError before anything is kept, SlowClientError and BadRequestError."""
    admit(request, most)
    if request.body.is_complete:
        whole = request.body.taken()
        _check(len(whole), most)
        return whole
    return b"".join([part async for part in chunks(request, most, patience_s)])


async def chunks(request: Request, most: int, patience_s: float) -> AsyncIterator[bytes]:
    """The body as it comes, for what is too large to hold. Raises as `read` does."""
    admit(request, most)
    size, since_look, loop = 0, 0, asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while part := await _part(request, deadline):
        size += len(part)
        since_look += len(part)
        _check(size, most)
        if since_look >= LEAST_PROGRESS:
            deadline, since_look = loop.time() + patience_s, 0
        yield part


def admit(request: Request, most: int) -> None:
    """Refuse a body by its announced length, and ask for it where the client waits to be asked."""
    length = request.length
    if length is not None:
        _check(length, most)
    request.proceed()


def _check(size: int, most: int) -> None:
    if size > most:
        raise TooLargeError(f"the body is larger than {most} bytes, the most that is taken here")


async def _part(request: Request, deadline: float) -> bytes:
    try:
        async with asyncio.timeout_at(deadline):
            return await request.body.part()
    except TimeoutError as error:
        raise SlowClientError("the request came too slowly") from error
    except BadBodyError as error:
        raise BadRequestError("the body is not what its head announces", code="bad_body") from error
