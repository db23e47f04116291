"""Redis that is dead, slow, silent or cut off: no request waits for it, and the feed reconnects."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter

from synapse_gateway.observe.feed.event import FeedEvent
from synapse_gateway.observe.feed.redis_bus import RedisBus
from synapse_gateway.settings import FeedSettings
from tests.gateway.feed_client import watching
from tests.gateway.observe.replicas import environment, foreign, subscribed, until_message
from tests.gateway.polling import TIMEOUT_S, until
from tests.gateway.redis_server import CHANNEL, Proxy, RedisServer
from tests.gateway.running_gateway import RunningGateway
from tests.ports import reserved_port

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("logged")]
log = logging.getLogger("tests.redis")
SHORT_TIMEOUT_S = 0.5  # to connect, and for each reply
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hi"}]}


async def test_a_dead_redis_does_not_slow_requests_and_is_reconnected(
    start: Any, fake: Any, redis: RedisServer
) -> None:
    await redis.stop()
    gateway = await start({"stub": await fake()}, **environment(redis.url, SHORT_TIMEOUT_S))
    assert await _usual(gateway) < SHORT_TIMEOUT_S / 2
    async with watching(gateway) as watcher:
        await watcher.until("cannot publish to Redis")
        await _until_failures(gateway)
        await redis.start()
        async with redis.listener() as published:
            await subscribed(gateway)
            log.info("back again")
            async with asyncio.timeout(TIMEOUT_S):
                await until_message(published, b"back again")
        await watcher.until("can publish to Redis again")


@pytest.mark.parametrize("fault", ["slow", "black-holed", "cut"])
async def test_a_silent_redis_does_not_slow_requests(
    start: Any, fake: Any, line: Proxy, redis: RedisServer, fault: str
) -> None:
    gateway = await start({"stub": await fake()}, **environment(line.url, SHORT_TIMEOUT_S))
    await subscribed(gateway)
    log.info("before")
    if fault == "slow":
        line.delay_s = 2
    elif fault == "black-holed":
        line.is_open.clear()
    else:
        line.cut()
    assert await _usual(gateway) < SHORT_TIMEOUT_S / 2
    async with watching(gateway) as watcher:
        log.info("still logged")
        await watcher.until("still logged")
    if fault != "cut":
        await _until_failures(gateway)
    line.delay_s = 0
    line.is_open.set()
    line.cut()
    async with redis.listener() as published, asyncio.timeout(TIMEOUT_S):
        log.info("after all")
        await until_message(published, b"after all")


async def test_cancelled_requests_do_not_mix_up_replies(start: Any, fake: Any, redis: RedisServer) -> None:
    gateway = await start({"stub": await fake()}, **environment(redis.url))
    await subscribed(gateway)
    async with redis.listener() as published:
        for number in range(20):
            calls = [asyncio.create_task(gateway.http.post("/v1/chat/completions", json=BODY)) for _ in range(5)]
            await asyncio.sleep(0)
            log.info("line %d", number)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        log.info("line 20")
        messages: list[str] = []
        while "line 20" not in messages:
            messages.append(msgspec.json.decode(await published.get(), type=FeedEvent).message)
    assert [message for message in messages if message.startswith("line")] == [f"line {number}" for number in range(21)]
    assert b"synapse_feed_publish_failures_total 0.0" in await _metrics(gateway)


async def test_an_event_whose_reply_is_lost_is_not_published_again(start: Any, line: Proxy, redis: RedisServer) -> None:
    await start({}, **environment(line.url, SHORT_TIMEOUT_S))
    async with redis.listener() as published, asyncio.timeout(TIMEOUT_S):
        log.info("first")  # opens the connection before the fault
        await until_message(published, b"first")
        line.delay_s = 2
        log.info("once")
        await until_message(published, b"once")
        line.delay_s = 0
        log.info("later")
        while b"later" not in (payload := await published.get()):
            assert b'"once"' not in payload


async def test_an_idle_server_keeps_its_connection(line: Proxy) -> None:
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    bus = RedisBus(
        FeedSettings(redis_url=line.url, redis_connect_s=TIMEOUT_S), "one", failures, lambda _: None, idle_s=0.2
    )
    bus.start()
    await bus.is_subscribed.wait()
    await asyncio.sleep(1.5)  # many idle periods, each ended by the answer to a ping
    assert line.connections == 1
    await bus.close()


async def test_an_unresponsive_server_is_detected(line: Proxy, redis: RedisServer) -> None:
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    settings = FeedSettings(redis_url=line.url, redis_connect_s=SHORT_TIMEOUT_S)
    events: asyncio.Queue[FeedEvent] = asyncio.Queue()
    bus = RedisBus(settings, "one", failures, events.put_nowait, idle_s=0.2)
    bus.start()
    async with asyncio.timeout(TIMEOUT_S):
        await bus.is_subscribed.wait()
        line.is_open.clear()
        line.arrived.clear()
        await line.arrived.wait()
        line.is_open.set()
        await bus.is_subscribed.wait()
        async with redis.client() as other:
            await other.publish(CHANNEL, foreign(message="again"))
        assert (await events.get()).message == "again"
        await bus.close()


async def test_events_that_wait_for_redis_are_bounded(start: Any, redis: RedisServer) -> None:
    await redis.stop()
    gateway = await start({}, **environment(redis.url, SHORT_TIMEOUT_S))
    for number in range(3000):
        log.info("line %d", number)
    assert len(gateway.gateway.feed.bus._queue) == 1000
    (family,) = gateway.gateway.metrics.feed_failures.collect()
    assert family.samples[0].value == 2000


async def test_the_delay_grows_with_each_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: asyncio.Queue[float] = asyncio.Queue()

    async def passes(seconds: float) -> None:
        waits.put_nowait(seconds)
        await at_once(0)

    at_once = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", passes)
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    with reserved_port() as port:
        bus = RedisBus(FeedSettings(redis_url=f"redis://127.0.0.1:{port}"), "one", failures, lambda _: None)
        bus.start()
        async with asyncio.timeout(60):
            assert [await waits.get() for _ in range(6)] == [1, 2, 4, 8, 15, 15]
        await bus.close()


@contextmanager
def full() -> Iterator[int]:
    """Port of a listener whose queue is full, so that new connections get no answer."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            caller = opened.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_an_address_without_connections_times_out(caplog: pytest.LogCaptureFixture) -> None:
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    with full() as port:
        settings = FeedSettings(redis_url=f"redis://127.0.0.1:{port}", redis_connect_s=0.2)
        bus = RedisBus(settings, "one", failures, lambda _: None)
        bus.start()
        await until(lambda: "cannot subscribe to Redis: TimeoutError" in caplog.text)
        await bus.close()


async def _usual(gateway: RunningGateway) -> float:
    """Median seconds of some requests: a busy machine delays one or two, Redis would delay each."""
    seconds = []
    for _ in range(21):
        began = perf_counter()
        answer = await gateway.http.post("/v1/chat/completions", json=BODY)
        seconds.append(perf_counter() - began)
        assert answer.status_code == 200
    return median(seconds)


async def _metrics(gateway: RunningGateway) -> bytes:
    return (await gateway.http.get("/metrics")).content


async def _until_failures(gateway: RunningGateway) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while b"synapse_feed_publish_failures_total 0.0" in await _metrics(gateway):  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0.05)
