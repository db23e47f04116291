"""HTTP client for backends: responses of every form, and early responses to uploads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from synapse_gateway.upstream.http import BrokenResponseError, Client, UpstreamRequest
from tests.gateway.fakes import ANSWER
from tests.gateway.sockets import Serve, served

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": []}


def saying(data: bytes) -> Serve:
    """Return a server that answers one request with *data* and closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()

    return handle


async def read(url: str, request: UpstreamRequest | None = None, most: int = 1000) -> tuple[int, bytes]:
    client = Client(url)
    try:
        with await client.send(request or UpstreamRequest("GET", "/"), 5) as answer:
            return answer.status, await answer.read(most)
    finally:
        client.close()


async def test_interim_responses_are_skipped() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with served(saying(hints + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as url:
        assert await read(url) == (200, b"ok")


async def test_a_response_without_a_length_ends_with_its_connection() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as url:
        assert await read(url) == (200, b"all of it")


async def test_a_response_with_a_length_that_ends_early_is_broken() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf of it")) as url:
        with pytest.raises(BrokenResponseError):
            await read(url)


async def test_too_long_a_response_is_aborted() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000)) as url:
        with pytest.raises(BrokenResponseError, match="more than 1000 bytes"):
            await read(url)


async def test_the_url_of_a_backend_may_have_a_path(start: Any, fake: Any) -> None:
    backend = await fake({"POST /engine/v1/chat/completions": lambda *_: ANSWER})
    gateway = await start({"stub": {"url": f"{backend.url}/engine/"}})
    assert (await gateway.http.post(CHAT, json=BODY)).json() == ANSWER
    assert backend.requests[0].headers["Host"] == backend.url.removeprefix("http://")


@pytest.mark.parametrize("length", [None, 3_000_000], ids=["chunked", "with a length"])
async def test_a_refused_upload_is_not_sent_to_its_end(length: int | None) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        with suppress(ConnectionError):
            await reader.read(-1)

    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(3):
            sent += 1_000_000
            yield b"x" * 1_000_000

            await asyncio.sleep(0.05)  # the answer comes meanwhile

    async with served(refuse) as url:
        assert await read(url, UpstreamRequest("POST", "/", body(), length=length)) == (413, b"no")
    assert sent < 3_000_000


async def test_a_chunked_upload_arrives_whole(fake: Any) -> None:
    backend = await fake({"POST /up": lambda request, body: {"size": len(body)}})

    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    assert await read(backend.url, UpstreamRequest("POST", "/up", body())) == (200, b'{"size":2000000}')


async def test_a_request_on_an_idle_connection_that_the_backend_closes_is_sent_again() -> None:
    async with served(closing_at_the_second_request()) as url:
        client = Client(url)
        for _ in range(3):
            with await client.send(UpstreamRequest("POST", "/", b"hello"), 5) as answer:
                assert await answer.read(10) == b"ok"
        client.close()


async def test_a_request_on_a_new_connection_is_sent_once() -> None:
    requests = 0

    async def close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1

    async with served(close) as url:
        with pytest.raises(BrokenResponseError):
            await read(url, UpstreamRequest("POST", "/", b"hello"))
    assert requests == 1


async def test_a_response_that_breaks_off_is_not_asked_for_again() -> None:
    async with served(closing_at_the_second_request(b"HTTP/1.1 200")) as url:
        client = Client(url)
        with await client.send(UpstreamRequest("POST", "/", b"hello"), 5) as answer:
            await answer.read(10)
        with pytest.raises(BrokenResponseError):
            await client.send(UpstreamRequest("POST", "/", b"hello"), 5)
        client.close()


async def test_a_body_that_can_be_sent_only_once_goes_on_a_new_connection() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"hello"

    async with served(closing_at_the_second_request()) as url:
        client = Client(url)
        for _ in range(3):
            with await client.send(UpstreamRequest("POST", "/", body(), length=5), 5) as answer:
                assert await answer.read(10) == b"ok"
        client.close()


def closing_at_the_second_request(sent: bytes = b"") -> Serve:
    """Return a server that answers the first request of a connection, and closes it at the second, after *sent*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nhello")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\nhello")
            writer.write(sent)
            await writer.drain()

    return handle


@pytest.mark.parametrize(
    ("content", "message", "param"),
    [
        ({"detail": [{"loc": ["body", "text"], "msg": "too long", "type": "x"}]}, "too long", "body.text"),
        ({"detail": "not there"}, "not there", None),
        ({"error": "model not found"}, "model not found", None),
        ({"message": "plain"}, "plain", None),
        (["a", "list"], "stub refused the request (422)", None),
        ({"error": {"message": 3, "param": "n"}}, "3", "n"),
        ({}, "stub refused the request (422)", None),
    ],
)
async def test_error_responses_of_every_shape_are_read(
    start: Any, fake: Any, content: Any, message: str, param: str | None
) -> None:
    gateway = await start({"stub": await fake({f"POST {CHAT}": lambda *_: web.json_response(content, status=422)})})
    error = (await gateway.http.post(CHAT, json=BODY)).json()["error"]
    assert (error["message"], error["param"]) == (message, param)


async def test_an_error_response_that_is_not_json_becomes_the_envelope(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake({f"POST {CHAT}": lambda *_: web.Response(text="<html>", status=400)})})
    answer = await gateway.http.post(CHAT, json=BODY)
    assert answer.json()["error"]["message"] == "stub refused the request (400)"
