"""Clients that disconnect: the backend's work ends, and all resources are freed."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.gateway.fakes import ANSWER, events, forever
from tests.gateway.polling import TIMEOUT_S, until
from tests.gateway.sockets import connected, post

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": []}
SENT = post(CHAT, msgspec.json.encode(BODY))


def idle(gateway: Any) -> bool:
    """Return True if no call is in progress: all gauges are zero."""
    backend = gateway.gateway.registry.upstreams["stub"]
    return not backend.admission.active and not backend.admission.waiting


async def test_a_client_leaves_before_a_plain_response(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": forever})
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line:
        await line.send(SENT)
        await backend.began.wait()
        line.leave()
        await asyncio.wait_for(backend.hung_up.wait(), TIMEOUT_S)
    assert idle(gateway)


async def test_a_client_leaves_during_a_stream(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": lambda r, b: events(r, {"n": 1}, {"n": 2}, pause=asyncio.Event().wait)})
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line:
        await line.send(SENT)
        await line.reader.readuntil(b'{"n":1}')
        line.leave()
        await asyncio.wait_for(backend.hung_up.wait(), TIMEOUT_S)
    assert idle(gateway)
    text = (await gateway.http.get("/metrics")).text
    assert f'synapse_streams_active{{route="{CHAT}"}} 0.0' in text
    assert f'synapse_http_requests_total{{method="POST",route="{CHAT}",status="499"}} 1.0' in text


async def test_a_stalled_reader_pauses_the_backend_and_leaves(start: Any, fake: Any) -> None:
    sent = 0

    async def flood(request: Any, body: bytes) -> Any:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"data: " + b"x" * 65536 + b"\n\n")
            sent += 65536

    backend = await fake({f"POST {CHAT}": flood})
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await line.send(SENT)
        await backend.began.wait()
        before = -1
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 64 * 1024 * 1024, "the backend should wait for the reader"
        line.leave()
        await asyncio.wait_for(backend.hung_up.wait(), TIMEOUT_S)
    assert idle(gateway)


async def test_a_client_leaves_while_queued(start: Any, fake: Any) -> None:
    gate = asyncio.Event()

    async def slow(request: Any, body: bytes) -> Any:
        await gate.wait()
        return ANSWER

    backend = await fake({f"POST {CHAT}": slow})
    gateway = await start({"stub": {"url": backend.url, "concurrency": 1, "queue": 1}})
    admission = gateway.gateway.registry.upstreams["stub"].admission
    async with connected(gateway.port) as first, connected(gateway.port) as second:
        await first.send(SENT)
        await backend.began.wait()
        await second.send(SENT)
        await until(lambda: admission.waiting)
        full = await gateway.http.post(CHAT, json=BODY)
        assert (full.status_code, full.json()["error"]["code"]) == (429, "queue_full")
        assert full.headers["retry-after"] == "1"
        second.leave()
        await until(lambda: not admission.waiting)
        gate.set()
        assert (await first.answer())[0] == 200
    assert len(backend.requests) == 1
    assert idle(gateway)


async def test_the_pool_works_after_a_thousand_cancelled_calls(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": forever})
    gateway = await start({"stub": {"url": backend.url, "concurrency": 10, "queue": 1000}})
    for _ in range(20):
        calls = [asyncio.create_task(_leave_soon(gateway.port)) for _ in range(50)]
        await asyncio.gather(*calls)
    backend.handlers[f"POST {CHAT}"] = lambda *_: ANSWER
    answers = await asyncio.gather(*(gateway.http.post(CHAT, json=BODY) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    await until(lambda: idle(gateway))


async def _leave_soon(port: int) -> None:
    async with connected(port) as line:
        await line.send(SENT)
        await asyncio.sleep(0.01)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Disable the garbage collector, so that reference cycles are never freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "sent", [SENT, SENT + SENT, SENT[:-1], SENT[:20]], ids=["answer", "second answer", "body", "head"]
)
@pytest.mark.usefixtures("no_collector")
async def test_closed_connections_are_freed_without_the_collector(start: Any, fake: Any, sent: bytes) -> None:
    """Otherwise connections would pile up between two runs of the collector, and memory would grow."""
    backend = await fake({f"POST {CHAT}": forever})
    gateway = await start({"stub": backend})
    async with connected(gateway.port) as line:
        await line.send(sent)
        await until(lambda: gateway.listener._connections)
        (connection,) = map(weakref.ref, gateway.listener._connections)
        if SENT in sent:
            await backend.began.wait()
        line.leave()
        await until(lambda: connection() is None)
