"""Faults of backends: the client gets the error envelope in time, or the response of the next target."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web

from synapse_gateway.upstream import upstream
from tests.gateway.fakes import ANSWER, events, forever
from tests.gateway.polling import TIMEOUT_S
from tests.gateway.sockets import connected, post, served
from tests.ports import reserved_port

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": []}
STREAM = {**BODY, "stream": True}
BOTH = {"stub": ["first", "second"]}


@pytest.fixture(autouse=True)
def quick(monkeypatch: Any) -> None:
    monkeypatch.setattr(upstream, "RETRY_DELAYS_S", (0.01, 0.02, 0.04))


@pytest.fixture
def closed_port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Address that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def failing(status: int, **headers: str) -> Any:
    return {f"POST {CHAT}": lambda *_: web.json_response({"detail": "secret insides"}, status=status, headers=headers)}


def breaking(data: bytes, media: str = "text/event-stream", length: int | None = None) -> Any:
    """Return a backend that ends the connection after it sent *data*."""

    async def handler(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": media})
        response.content_length = length
        await response.prepare(request)
        await response.write(data)
        assert request.transport is not None
        request.transport.close()
        return response

    return {f"POST {CHAT}": handler}


async def test_refused_connections_are_retried_and_then_unavailable(start: Any, closed_port: int) -> None:
    gateway = await start({"stub": {"url": f"http://127.0.0.1:{closed_port}"}})
    answer = await gateway.http.post(CHAT, json=BODY)
    assert error(answer) == (503, "backend_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert str(closed_port) not in answer.text
    assert 'synapse_backend_retries_total{backend="stub"} 3.0' in (await gateway.http.get("/metrics")).text


async def test_a_silent_backend_times_out(start: Any, black_hole: str) -> None:
    gateway = await start({"stub": {"url": black_hole}}, SYNAPSE_TIMEOUT_LLM_SECONDS="0.2")
    assert error(await gateway.http.post(CHAT, json=BODY)) == (504, "backend_timeout")


async def test_a_silent_stream_ends_with_an_error_event(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": lambda r, b: events(r, {"n": 1}, {"n": 2}, pause=asyncio.Event().wait)})
    gateway = await start({"stub": backend}, SYNAPSE_TIMEOUT_LLM_SECONDS="0.2")
    answer = await gateway.http.post(CHAT, json=STREAM)
    assert '{"n":1}' in answer.text
    assert '"code":"backend_timeout"' in answer.text
    assert "[DONE]" not in answer.text
    await asyncio.wait_for(backend.hung_up.wait(), TIMEOUT_S)


async def test_a_stream_may_last_longer_than_the_timeout(start: Any, fake: Any) -> None:
    silence_s = 1.5

    async def pause() -> None:
        await asyncio.sleep(silence_s / 20)

    backend = await fake({f"POST {CHAT}": lambda r, b: events(r, *({"n": n} for n in range(25)), pause=pause)})
    gateway = await start({"stub": backend}, SYNAPSE_TIMEOUT_LLM_SECONDS=str(silence_s))
    assert (await gateway.http.post(CHAT, json=STREAM)).text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, (502, "backend_error")),
        (503, (503, "backend_unavailable")),
        (504, (504, "backend_timeout")),
        (302, (502, "backend_bad_response")),
        (429, (429, "rate_limited")),
        (404, (404, "backend_refused")),
        (422, (422, "backend_refused")),
    ],
)
@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
async def test_a_failure_before_a_stream_has_its_status(
    start: Any, fake: Any, status: int, expected: Any, body: Any
) -> None:
    gateway = await start({"stub": await fake(failing(status, Location="http://127.0.0.1:1/", **{"Retry-After": "7"}))})
    answer = await gateway.http.post(CHAT, json=body)
    assert error(answer) == expected
    assert ("secret insides" in answer.text) == (300 < status < 500 and status != 302)
    if status in {429, 503}:
        assert answer.headers["retry-after"] == "7"


async def test_a_redirect_is_never_followed(start: Any, fake: Any) -> None:
    elsewhere = await fake()
    gateway = await start({"stub": await fake(failing(302, Location=elsewhere.url))})
    await gateway.http.post(CHAT, json=BODY)
    assert not elsewhere.requests


async def test_a_broken_stream_ends_with_an_event_and_no_fallback(start: Any, fake: Any) -> None:
    second = await fake()
    gateway = await start({"first": await fake(breaking(b'data: {"n":1}\n\n')), "second": second}, BOTH)
    answer = await gateway.http.post(CHAT, json=STREAM)
    assert answer.status_code == 200
    first, last = answer.text.split("\n\n")[:2]
    assert first == 'data: {"n":1}'
    assert msgspec.json.decode(last.removeprefix("data: "))["error"]["code"] == "backend_bad_response"
    assert "[DONE]" not in answer.text
    assert not second.requests


async def test_a_broken_response_is_a_bad_gateway(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake(breaking(b'{"half":', "application/json", length=100))})
    assert error(await gateway.http.post(CHAT, json=BODY)) == (502, "backend_bad_response")


async def test_a_broken_binary_stream_is_aborted(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake(breaking(b"x" * 10, "audio/wav", length=None))})
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.http.post(CHAT, json=BODY)


async def test_invalid_http_is_a_bad_gateway(start: Any) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 smtp ready\r\n")
        await writer.drain()

    async with served(babble) as url:
        gateway = await start({"stub": {"url": url}})
        assert error(await gateway.http.post(CHAT, json=BODY)) == (502, "backend_bad_response")


@pytest.mark.parametrize("status", [503, None], ids=["unavailable", "refused"])
async def test_the_fallback_gets_its_own_model_name(
    start: Any, fake: Any, closed_port: int, status: int | None
) -> None:
    first = {"url": f"http://127.0.0.1:{closed_port}"} if status is None else await fake(failing(status))
    second = await fake()
    routes = {"stub": [{"backend": "first", "model": "a"}, {"backend": "second", "model": "b"}]}
    gateway = await start({"first": first, "second": second}, routes)
    answer = await gateway.http.post(CHAT, json=BODY)
    assert answer.json() == ANSWER
    assert answer.headers["x-synapse-fallback"] == "1"
    assert answer.headers["x-synapse-backend"] == "second"
    assert second.requests[0].json()["model"] == "b"
    text = (await gateway.http.get("/metrics")).text
    assert 'synapse_fallbacks_total{from="first",to="second"} 1.0' in text


@pytest.mark.parametrize("status", [400, 404, 500, 502])
async def test_there_is_no_fallback_after_a_response(start: Any, fake: Any, status: int) -> None:
    second = await fake()
    gateway = await start({"first": await fake(failing(status)), "second": second}, BOTH)
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == (502 if status >= 500 else status)
    assert not second.requests


async def test_the_error_of_the_last_target_is_returned(start: Any, fake: Any, closed_port: int) -> None:
    first = {"url": f"http://127.0.0.1:{closed_port}"}
    gateway = await start({"first": first, "second": await fake(failing(500))}, BOTH)
    assert error(await gateway.http.post(CHAT, json=BODY)) == (502, "backend_error")


async def test_an_open_breaker_limits_attempts_and_one_probe_closes_it(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    await backend.stop()
    answers = await asyncio.gather(*(gateway.http.post(CHAT, json=BODY) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {503}
    text = (await gateway.http.get("/metrics")).text
    attempts = next(line for line in text.splitlines() if 'outcome="unreachable"' in line and "created" not in line)
    assert float(attempts.split()[-1]) <= 110
    assert error(await gateway.http.post(CHAT, json=BODY)) == (503, "breaker_open")

    await backend.again()
    breaker = gateway.gateway.registry.upstreams["stub"].breaker
    breaker._opened_at -= 31
    gate, probed = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, body: bytes) -> Any:
        probed.set()
        await gate.wait()
        return ANSWER

    backend.handlers[f"POST {CHAT}"] = slow
    probe = asyncio.create_task(gateway.http.post(CHAT, json=BODY))
    await probed.wait()
    others = await asyncio.gather(*(gateway.http.post(CHAT, json=BODY) for _ in range(20)))
    assert {error(other) for other in others} == {(503, "breaker_open")}
    gate.set()
    assert (await probe).status_code == 200
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200


async def test_health_and_liveness_respond_while_every_backend_hangs(start: Any, black_hole: str, fake: Any) -> None:
    hanging = await fake({f"POST {CHAT}": forever})
    gateway = await start({"stub": hanging, "hole": {"url": black_hole}}, {"stub": ["stub"]})
    async with AsyncExitStack() as lines:
        for _ in range(50):
            line = await lines.enter_async_context(connected(gateway.port))
            await line.send(post(CHAT, msgspec.json.encode(BODY)))
        await hanging.began.wait()
        async with asyncio.timeout(TIMEOUT_S / 2):
            for _ in range(20):
                assert (await gateway.http.get("/livez")).status_code == 200
                assert (await gateway.http.get("/readyz")).status_code == 200


async def test_a_closed_idle_connection_is_not_reused(start: Any) -> None:
    """The backend closes after every response, without `connection: close`."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with served(once) as url:
        gateway = await start({"stub": {"url": url}})
        for _ in range(20):
            assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200


async def test_unsolicited_bytes_are_not_a_response(start: Any) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            with contextlib.suppress(asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(next(line for line in head.lower().splitlines() if b"content-length" in line).split()[1])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
                writer.write(
                    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"evil":1}'
                )
                await writer.drain()
                continue
            return

    async with served(twice) as url:
        gateway = await start({"stub": {"url": url}})
        for _ in range(10):
            answer = await gateway.http.post(CHAT, json=BODY)
            assert "evil" not in answer.text
