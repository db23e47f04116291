"""Redis between replicas: each hears the others, and none depends on it. A real server, behind a line that breaks."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from components.feed_bus import account, password_rule
from synapse_gateway.feed.event import Event
from synapse_gateway.feed.redis_bus import RedisBus
from synapse_gateway.settings import Feed, SettingError, load
from tests.gateway.redis_server import CHANNEL, Proxy, RedisServer, free_port
from tests.gateway.running import Running
from tests.gateway.waiting import until
from tests.gateway.watching import LIVE, logging_requests, watching

pytestmark = pytest.mark.anyio
log = logging.getLogger("tests.redis")
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    log.setLevel(logging.INFO)
    logging.getLogger("synapse_gateway.feed").setLevel(logging.INFO)
    with logging_requests():
        yield


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
async def line(redis: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(redis.port) as found:
        yield found


def _environment(url: str, instance: str = "one") -> dict[str, str]:
    return {
        **LIVE,
        "SYNAPSE_INSTANCE_ID": instance,
        "SYNAPSE_TERMINAL_FEED_BUS_MODE": "redis",
        "SYNAPSE_TERMINAL_FEED_REDIS_URL": url,
        "SYNAPSE_TERMINAL_FEED_REDIS_CONNECT_TIMEOUT_SECONDS": "0.5",
    }


def _event(**fields: str) -> bytes:
    given = {
        "ts": "2026-02-19T05:01:29.120000+00:00",
        "source": "x",
        "level": "INFO",
        "message": "m",
        "instance": "two",
    }
    return msgspec.json.encode({**given, **fields})


async def _subscribed(gateway: Running) -> None:
    async with asyncio.timeout(10):
        await gateway.gateway.feed.bus.is_subscribed.wait()  # type: ignore[union-attr]


async def test_an_event_is_published_as_five_keys_of_compact_json(start: Any, redis: RedisServer) -> None:
    await start({}, **_environment(redis.url))
    async with redis.listener() as said:
        log.warning("password=canary and\na break")
        payload = await said.get()
    event = msgspec.json.decode(payload, type=Event)
    assert payload == msgspec.json.encode(event)
    assert (event.source, event.level, event.instance) == ("tests.redis", "WARNING", "one")
    assert event.message == r"password=[redacted] and \n a break"


async def test_a_replica_hears_the_others_and_not_itself(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **_environment(redis.url))
    await _subscribed(gateway)
    async with watching(gateway) as watcher, redis.client() as other:
        assert (await watcher.event())["bus_mode"] == "redis"
        await other.publish(CHANNEL, _event(instance="one", message="an echo"))
        await other.publish(CHANNEL, _event(message="from another"))
        (*_, first) = await watcher.until("from another")
        log.info("our own")
        assert first["instance"] == "two"
        messages = [event["message"] for event in await watcher.until("our own")]
    assert messages.count("our own") == 1
    assert "an echo" not in messages


async def test_what_another_replica_says_is_cleaned_again_and_goes_no_further(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **_environment(redis.url))
    await _subscribed(gateway)
    async with redis.listener() as said, watching(gateway) as watcher, redis.client() as other:
        await watcher.frame()
        payload = _event(
            ts="<script>",
            source="bearer canary\n" + "s" * 200,
            message="token=canary\n" + "x" * 9000,
            instance="i" * 200,
        )
        await other.publish(CHANNEL, payload)
        (event,) = await watcher.until("token=")
        assert "canary" not in str(event)
        assert event["ts"] == ""
        assert len(event["source"]) == len(event["instance"]) == 120
        assert len(event["message"]) == 1200
        log.info("the end")
        assert await said.get() == payload
        assert b"the end" in await said.get()


async def test_what_is_no_event_is_ignored(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **_environment(redis.url))
    await _subscribed(gateway)
    async with watching(gateway) as watcher, redis.client() as other:
        await watcher.frame()
        for payload in (
            b"no json",
            b"[]",
            b'{"ts":1}',
            b"\xff",
            b"[" * 100_000,
            _event(level="LOUD"),
            _event(message="x" * 300_000),
        ):
            await other.publish(CHANNEL, payload)
        await other.publish(CHANNEL, _event(message="an event", ts="2026-99-19T05:01:29Z"))
        (event,) = await watcher.until("an event")
    assert event["ts"] == ""


async def test_no_line_is_sent_twice(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **_environment(redis.url))
    await _subscribed(gateway)

    async def talk(other: Any) -> None:
        for number in range(200):
            log.info("ours %d", number)
            await other.publish(CHANNEL, _event(message=f"theirs {number}"))
        log.info("all said")

    async with redis.client() as other:
        task = asyncio.create_task(talk(other))
        async with watching(gateway, "?backlog=500&sources=tests.redis,x") as watcher:
            await watcher.frame()
            messages = [event["message"] for event in await watcher.until("all said")]
        await task
    assert len(messages) == len(set(messages))
    assert [message for message in messages if message.startswith("ours")] == [
        f"ours {number}" for number in range(200)
    ]


async def test_redis_that_is_dead_costs_requests_nothing_and_is_found_again(
    start: Any, fake: Any, redis: RedisServer
) -> None:
    await redis.stop()
    gateway = await start({"stub": await fake()}, **_environment(redis.url))
    assert await _slowest(gateway) < 1
    async with watching(gateway) as watcher:
        await watcher.until("cannot publish to Redis")
        await _until_failures(gateway)
        await redis.start()
        async with redis.listener() as said:
            await _subscribed(gateway)
            log.info("back again")
            async with asyncio.timeout(20):
                await _heard(said, b"back again")
        await watcher.until("can publish to Redis again")


@pytest.mark.parametrize("fault", ["slow", "black-holed", "cut"])
async def test_redis_that_does_not_answer_costs_requests_nothing(
    start: Any, fake: Any, line: Proxy, redis: RedisServer, fault: str
) -> None:
    gateway = await start({"stub": await fake()}, **_environment(line.url))
    await _subscribed(gateway)
    log.info("before")
    if fault == "slow":
        line.delay_s = 2
    elif fault == "black-holed":
        line.is_open.clear()
    else:
        line.cut()
    assert await _slowest(gateway) < 1
    async with watching(gateway) as watcher:
        log.info("here all the same")
        await watcher.until("here all the same")
    if fault != "cut":
        await _until_failures(gateway)
    line.delay_s = 0
    line.is_open.set()
    line.cut()
    async with redis.listener() as said, asyncio.timeout(20):
        log.info("after all")
        await _heard(said, b"after all")


async def test_cancelled_requests_cross_no_replies(start: Any, fake: Any, redis: RedisServer) -> None:
    gateway = await start({"stub": await fake()}, **_environment(redis.url))
    await _subscribed(gateway)
    async with redis.listener() as said:
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
            messages.append(msgspec.json.decode(await said.get(), type=Event).message)
    assert [message for message in messages if message.startswith("line")] == [f"line {number}" for number in range(21)]
    assert b"synapse_feed_publish_failures_total 0.0" in await _metrics(gateway)


async def test_a_line_whose_receipt_is_lost_is_not_said_again(start: Any, line: Proxy, redis: RedisServer) -> None:
    await start({}, **_environment(line.url))
    async with redis.listener() as said, asyncio.timeout(20):
        log.info("first")  # over a connection that is made before the fault
        await _heard(said, b"first")
        line.delay_s = 2
        log.info("once")
        await _heard(said, b"once")
        line.delay_s = 0
        log.info("later")
        while b"later" not in (payload := await said.get()):
            assert b'"once"' not in payload


async def test_a_server_that_falls_silent_is_noticed_and_one_that_is_quiet_is_kept(
    line: Proxy, redis: RedisServer
) -> None:
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    settings = Feed(redis_url=line.url, redis_connect_s=0.5)
    heard: asyncio.Queue[Event] = asyncio.Queue()
    bus = RedisBus(settings, "one", failures, heard.put_nowait, silence_s=0.2)
    bus.start()
    async with asyncio.timeout(20):
        await bus.is_subscribed.wait()
        await asyncio.sleep(1.5)  # many silences, each ended by an answer
        assert line.connections == 1
        line.is_open.clear()
        line.arrived.clear()
        await line.arrived.wait()
        line.is_open.set()
        await bus.is_subscribed.wait()
        async with redis.client() as other:
            await other.publish(CHANNEL, _event(message="again"))
        assert (await heard.get()).message == "again"
        await bus.close()


async def test_lines_that_wait_for_redis_are_bounded(start: Any, redis: RedisServer) -> None:
    await redis.stop()
    gateway = await start({}, **_environment(redis.url))
    for number in range(3000):
        log.info("line %d", number)
    assert len(gateway.gateway.feed.bus._waiting) == 1000
    (family,) = gateway.gateway.metrics.feed_failures.collect()
    assert family.samples[0].value == 2000


@pytest.mark.parametrize("url", ["", "http://host", "redis://host:none", "//canary"])
def test_an_address_that_is_none_of_redis_stops_the_start_without_being_shown(url: str) -> None:
    with pytest.raises(SettingError, match="SYNAPSE_TERMINAL_FEED_REDIS_URL") as caught:
        load(_environment(url))
    assert not url or url not in str(caught.value)


async def _heard(said: asyncio.Queue[bytes], text: bytes) -> None:
    while text not in await said.get():
        pass


async def _slowest(gateway: Running) -> float:
    """Seconds of the slowest of some requests."""
    slowest = 0.0
    for _ in range(20):
        began = perf_counter()
        answer = await gateway.http.post("/v1/chat/completions", json=BODY)
        slowest = max(slowest, perf_counter() - began)
        assert answer.status_code == 200
    return slowest


async def _metrics(gateway: Running) -> bytes:
    return (await gateway.http.get("/metrics")).content


async def _until_failures(gateway: Running) -> None:
    async with asyncio.timeout(10):
        while b"synapse_feed_publish_failures_total 0.0" in await _metrics(gateway):  # noqa: ASYNC110 - a counter tells nobody
            await asyncio.sleep(0.05)


async def test_the_feeds_account_does_for_the_feed_and_for_nothing_else(start: Any, tmp_path: Path) -> None:
    rules = account(password_rule("canary"))
    async with RedisServer(tmp_path, *rules, password="canary") as redis, redis.client() as other:  # noqa: S106
        gateway = await start({}, **_environment(redis.url))
        await _subscribed(gateway)
        async with watching(gateway) as watcher, redis.listener() as said:
            await other.publish(CHANNEL, _event(message="from another"))
            await watcher.until("from another")
            log.warning("our own")
            while msgspec.json.decode(await said.get(), type=Event).message != "our own":
                pass
        for command in ("GET a", "PUBLISH elsewhere a", "CONFIG GET *", "ACL LIST", "KEYS *", "FLUSHALL"):
            with pytest.raises(NoPermissionError):
                await other.execute_command(*command.split())  # type: ignore[no-untyped-call]
        async with Redis.from_url(f"redis://127.0.0.1:{redis.port}/0") as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.publish(CHANNEL, "a")


async def test_each_attempt_waits_longer_than_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: asyncio.Queue[float] = asyncio.Queue()

    async def passes(seconds: float) -> None:
        waits.put_nowait(seconds)
        await at_once(0)

    at_once = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", passes)
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    bus = RedisBus(Feed(redis_url=f"redis://127.0.0.1:{free_port()}"), "one", failures, lambda _: None)
    bus.start()
    async with asyncio.timeout(10):
        assert [await waits.get() for _ in range(6)] == [1, 2, 4, 8, 15, 15]
    await bus.close()


@contextmanager
def full() -> Iterator[int]:
    """The port of a listener whose queue is full: whoever connects hears nothing."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            caller = opened.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_an_address_that_takes_no_connection_is_given_up_in_time(caplog: pytest.LogCaptureFixture) -> None:
    failures = Counter("failures", "Failures", registry=CollectorRegistry())
    with full() as port:
        settings = Feed(redis_url=f"redis://127.0.0.1:{port}", redis_connect_s=0.2)
        bus = RedisBus(settings, "one", failures, lambda _: None)
        bus.start()
        await until(lambda: "cannot subscribe to Redis: TimeoutError" in caplog.text)
        await bus.close()
