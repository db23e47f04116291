"""Responses whose body is speech, sent while it is synthesized."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

from synapse_engines.web.work_queue import cancel_on_disconnect

EVENT_STREAM = "text/event-stream"
Chunks = AsyncGenerator[bytes, None]


async def speech_response(request: Request, chunks: Chunks, media_type: str) -> StreamingResponse:
    """Return *chunks* as a response that begins with the first one. An error before it is raised.

    A client that disconnects closes *chunks*, and with it the synthesis.
    """
    first = await cancel_on_disconnect(request, anext(chunks))
    return StreamingResponse(_joined(first, chunks), media_type=media_type)


async def as_events(chunks: Chunks) -> Chunks:
    """Yield *chunks* as the events of OpenAI's `stream_format: sse`."""
    async with aclosing(chunks):
        async for chunk in chunks:
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()})
    yield _event({"type": "speech.audio.done"})


def _event(content: dict[str, str]) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


async def _joined(first: bytes, chunks: Chunks) -> Chunks:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk
