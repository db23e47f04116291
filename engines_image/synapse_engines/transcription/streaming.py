"""Server-sent events of a transcription: each segment while the next one is decoded."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from synapse_engines.errors import EngineError, FailedError
from synapse_engines.web.work_queue import cancel_on_disconnect

LOG = logging.getLogger(__name__)
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
T = TypeVar("T")


class Event(NamedTuple):
    """Event of a stream: *name* may be empty, *data* becomes JSON."""

    name: str
    data: Any


async def stream_events(
    request: HttpRequest,
    items: AsyncGenerator[T, None],
    render: Callable[[T | None], Iterable[Event]],
    render_error: Callable[[EngineError], Event],
) -> Response:
    """Return the stream of the events that *render* makes of each item, and of None after the last one.

    The first item is awaited here: an error before it has a status. A later one becomes the last event.
    """
    first = await cancel_on_disconnect(request, anext(items))
    return StreamingResponse(_encode(_events(first, items, render, render_error)), 200, HEADERS, "text/event-stream")


async def _events(
    first: T,
    items: AsyncGenerator[T, None],
    render: Callable[[T | None], Iterable[Event]],
    render_error: Callable[[EngineError], Event],
) -> AsyncGenerator[Event, None]:
    async with aclosing(items):  # a client that has gone cancels the decoding
        for event in render(first):
            yield event
        try:
            async for item in items:
                for event in render(item):
                    yield event
        except EngineError as error:
            yield render_error(error)
        except Exception:
            LOG.exception("the transcription failed")
            yield render_error(FailedError("the engine failed; see its log for the reason"))
        else:
            for event in render(None):
                yield event


async def _encode(events: AsyncGenerator[Event, None]) -> AsyncIterator[bytes]:
    async with aclosing(events):
        async for event in events:
            head = f"event: {event.name}\n".encode() if event.name else b""
            yield head + b"data: " + msgspec.json.encode(event.data) + b"\n\n"
