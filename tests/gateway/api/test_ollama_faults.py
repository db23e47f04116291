"""Errors during a response, as the official Ollama client sees them."""

from collections.abc import AsyncIterator
from typing import Any

import ollama
import pytest
from aiohttp import web

from synapse_gateway.server.sse import LINE_BYTES
from tests.gateway.fakes import events
from tests.gateway.openai_chunks import MESSAGES, delta, ended

pytestmark = pytest.mark.anyio
MEGABYTE = bytes(1024 * 1024)


async def taken(stream: AsyncIterator[Any], parts: list[Any]) -> None:
    async for part in stream:
        parts.append(part)


async def test_a_stream_that_breaks_ends_with_an_error_and_never_with_done(
    start: Any, fake: Any, ollama_client: Any
) -> None:
    async def cut(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n')
        assert request.transport is not None
        request.transport.close()
        return response

    gateway = await start({"stub": await fake({"POST /v1/chat/completions": cut})})
    parts: list[Any] = []
    with pytest.raises(ollama.ResponseError, match="the response of stub broke off"):
        await taken(await ollama_client(gateway).chat("stub", MESSAGES, stream=True), parts)
    assert [part.message.content for part in parts] == ["Hel"]


FAULTS = [
    ([{"error": {"message": "out of memory"}}], "out of memory"),
    ([delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{"}}]), ended()], "no JSON object"),
    ([{"choices": 7}], "cannot be read"),
]


@pytest.mark.parametrize(("frames", "words"), FAULTS)
async def test_an_error_before_the_first_part_has_a_status(
    start: Any, fake: Any, ollama_client: Any, frames: Any, words: str
) -> None:
    backend = await fake({"POST /v1/chat/completions": lambda request, body: events(request, *frames)})
    gateway = await start({"stub": backend})
    with pytest.raises(ollama.ResponseError, match=words) as failure:
        [part async for part in await ollama_client(gateway).chat("stub", MESSAGES, stream=True)]
    assert failure.value.status_code == 502


@pytest.mark.parametrize("answer", [b"{", b'{"choices": []}', b'{"data": []}'])
async def test_a_malformed_response_is_a_backend_error(
    start: Any, fake: Any, ollama_client: Any, answer: bytes
) -> None:
    handlers = {path: lambda *_: answer for path in ("POST /v1/chat/completions", "POST /v1/embeddings")}
    gateway = await start({"stub": await fake(handlers)})
    with pytest.raises(ollama.ResponseError) as chatting:
        await ollama_client(gateway).chat("stub", MESSAGES)
    with pytest.raises(ollama.ResponseError) as embedding:
        await ollama_client(gateway).embed("stub", "a")
    assert (chatting.value.status_code, embedding.value.status_code) == (502, 502)


async def test_a_stream_without_an_end_is_an_error(start: Any, fake: Any, ollama_client: Any) -> None:
    async def stop(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n')
        await response.write_eof()
        return response

    gateway = await start({"stub": await fake({"POST /v1/chat/completions": stop})})
    with pytest.raises(ollama.ResponseError, match="broke off"):
        [part async for part in await ollama_client(gateway).chat("stub", MESSAGES, stream=True)]


async def test_an_endless_line_is_an_error(start: Any, fake: Any, ollama_client: Any) -> None:
    async def flood(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(LINE_BYTES // len(MEGABYTE) + 1):
            await response.write(MEGABYTE)
        return response

    backend = await fake({"POST /v1/chat/completions": flood})
    gateway = await start({"stub": backend})
    with pytest.raises(ollama.ResponseError, match="cannot be read") as failure:
        [part async for part in await ollama_client(gateway).chat("stub", MESSAGES, stream=True)]
    assert failure.value.status_code == 502
