"""HTTP/1.1 on the wire: malformed requests are refused, not forwarded, and end the connection."""

import asyncio
from typing import Any

import pytest

from synapse_gateway.server.http import connection
from tests.gateway.fakes import forever
from tests.gateway.polling import TIMEOUT_S
from tests.gateway.sockets import HEADERS, connected, post

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = b'{"model":"stub","messages":[]}'


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"GET /livez HTTP/1.1\nHost: x\n\n",
        b"GET /livez HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/3.7\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    ],
)
async def test_ambiguous_requests_are_refused(start: Any, fake: Any, sent: bytes) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line:
        await line.send(sent)
        answered = await line.rest()
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert b'"error"' in answered
    assert not backend.requests


async def test_an_endless_head_is_refused(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line:
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (connection.HEAD_BYTES + 1))
        assert (await line.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: x\r\n"])
async def test_a_slow_head_times_out(start: Any, monkeypatch: Any, sent: bytes) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    gateway = await start({})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(sent)
        assert await line.rest() == b""


async def test_a_slow_second_head_times_out(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    gateway = await start({})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /li")
        assert (await line.answer())[0] == 200
        assert await line.rest() == b""
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await line.answer())[0] == 200
        await line.send(b"GET /li")
        assert await line.rest() == b""


async def test_an_idle_connection_is_closed(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(connection, "IDLE_S", 0.1)
    gateway = await start({})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await line.answer())[0] == 200
        assert await line.rest() == b""


async def test_a_slow_body_is_refused(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_CLIENT_TIMEOUT_SECONDS="0.2")
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(f"POST {CHAT} HTTP/1.1\r\n{HEADERS}Content-Length: 100\r\n\r\n{{")
        assert (await line.rest()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("framing", ["Content-Length: 419430400\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"])
async def test_too_large_a_body_is_refused_before_it_is_buffered(start: Any, fake: Any, framing: str) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(f"POST {CHAT} HTTP/1.1\r\n{HEADERS}{framing}")
        if "chunked" in framing:
            for _ in range(11):
                await line.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        assert (await line.answer())[0] == 413
    assert not backend.requests


async def test_a_client_that_keeps_sending_can_read_the_error(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(f"POST {CHAT} HTTP/1.1\r\n{HEADERS}Content-Length: 20000000\r\n\r\n")
        await line.send(b"x" * 4_000_000)
        assert (await line.answer())[0] == 413


async def test_expect_100_continue_is_answered(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(f"POST {CHAT} HTTP/1.1\r\n{HEADERS}Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n")
        assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await line.send(BODY)
        assert (await line.answer())[0] == 200


async def test_pipelined_requests_are_answered_in_order(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(post(CHAT, BODY) + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + post(CHAT, b"{"))
        assert [(await line.answer())[0] for _ in range(3)] == [200, 200, 400]


async def test_too_many_pipelined_requests_end_the_connection(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": forever})
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(post(CHAT, BODY))
        await backend.began.wait()
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * (connection.MOST_PIPELINED + 1))
        assert await line.rest() == b""
    await asyncio.wait_for(backend.hung_up.wait(), TIMEOUT_S)


async def test_http_1_0_responses_end_with_the_connection(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert (await line.rest()).endswith(b'{"status":"ok"}')


async def test_upgrades_are_ignored(start: Any) -> None:
    gateway = await start({})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert (await line.rest()).startswith(b"HTTP/1.1 200 ")


async def test_a_broken_chunk_in_a_body_is_a_bad_request(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line, asyncio.timeout(60):
        await line.send(f"POST {CHAT} HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n")
        await line.send(b"zz\r\n")
        assert (await line.rest()).startswith(b"HTTP/1.1 400 ")
    assert not backend.requests
