"""GET /events/terminal: access, content, and end of the stream."""

import asyncio
import gc
import logging
import os
import random
from typing import Any

import msgspec
import pytest

from synapse_gateway.observe.feed.feed import bus_name
from synapse_gateway.observe.feed.handler import FeedHandler
from synapse_gateway.observe.logs import ACCESS
from synapse_gateway.observe.metrics import DIRECTORY
from tests.gateway.feed_client import LIVE, TOKEN, WAIT_S, data, refusal, watching
from tests.gateway.polling import until
from tests.gateway.sockets import connected

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("logged")]
log = logging.getLogger("tests.terminal")
ASK = f"GET /events/terminal HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"


async def test_the_stream_starts_with_meta_and_backlog_and_continues_with_new_events(start: Any) -> None:
    gateway = await start({}, SYNAPSE_INSTANCE_ID="replica-1", **LIVE)
    log.info("one")
    log.warning("two")
    async with watching(gateway) as watcher:
        assert watcher.answer.headers["content-type"] == "text/event-stream"
        assert watcher.answer.headers["cache-control"] == "no-cache, no-transform"
        assert watcher.answer.headers["x-accel-buffering"] == "no"
        meta = await watcher.frame()
        assert meta.startswith("event: meta\n")
        assert data(meta) == {"instance": "replica-1", "mode": "live", "bus_mode": "local"}
        frame = await watcher.frame()
        assert frame.startswith("event: log\n")
        assert data(frame).items() >= {"source": "tests.terminal", "level": "INFO", "message": "one"}.items()
        assert list(data(frame)) == ["ts", "source", "level", "message", "instance"]
        assert (await watcher.event())["message"] == "two"
        log.error("three")
        assert (await watcher.event())["message"] == "three"


async def test_each_request_is_an_event_without_its_path(start: Any) -> None:
    gateway = await start({}, **LIVE)
    async with watching(gateway) as watcher:
        await gateway.http.get("/v1/models/canary?canary=1")
        (*_, line) = await watcher.until("/v1/")
    assert line["source"] == "synapse_gateway.access"
    assert line["message"].startswith("GET /v1/models/{model} ")


async def test_requests_are_logged_when_the_feed_is_off(start: Any) -> None:
    gateway = await start({}, SYNAPSE_DASHBOARD_ACCESS_TOKEN=TOKEN)
    await gateway.http.get("/health")
    assert gateway.gateway.feed is None
    assert not any(isinstance(handler, FeedHandler) for handler in logging.getLogger(ACCESS).handlers)
    answer = await refusal(gateway)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "feature_disabled"


def test_workers_of_a_replica_have_different_bus_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bus_name("replica-1") == "replica-1"
    monkeypatch.setenv(DIRECTORY, "/tmp")  # noqa: S108 - nothing is written
    assert bus_name("replica-1") == f"replica-1.{os.getpid()}"


async def test_the_query_filters_events(start: Any) -> None:
    gateway = await start({}, **LIVE)
    for number in range(5):
        log.warning("old %d", number)
    async with watching(gateway, "?sources=tests.terminal,other&level=warning&backlog=2") as watcher:
        await watcher.frame()
        assert [(await watcher.event())["message"] for _ in range(2)] == ["old 3", "old 4"]
        log.info("too low")
        logging.getLogger("stranger").error("another source")
        log.critical("seen")
        assert (await watcher.event())["message"] == "seen"


async def test_the_default_level_is_configurable(start: Any) -> None:
    gateway = await start({}, SYNAPSE_TERMINAL_FEED_DEFAULT_LEVEL="ERROR", **LIVE)
    log.warning("too low")
    log.error("seen")
    async with watching(gateway) as watcher:
        await watcher.frame()
        assert (await watcher.event())["message"] == "seen"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("level=LOUD", "level"),
        ("backlog=0", "backlog"),
        ("backlog=501", "backlog"),
        ("backlog=-1", "backlog"),
        ("backlog=ten", "backlog"),
        ("backlog=%D9%A3", "backlog"),
        (f"backlog={'9' * 5000}", "backlog"),
    ],
)
async def test_a_bad_query_is_refused(start: Any, query: str, param: str) -> None:
    gateway = await start({}, **LIVE)
    answer = await refusal(gateway, f"?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"] == {
        "message": answer.json()["error"]["message"],
        "type": "invalid_request_error",
        "code": "validation_error",
        "param": param,
    }


async def test_an_idle_stream_sends_keepalive_comments(start: Any) -> None:
    gateway = await start({}, **LIVE)
    msgspec.structs.force_setattr(gateway.gateway.feed.settings, "keepalive_s", 0.05)
    async with watching(gateway) as watcher:
        await watcher.frame()
        assert await watcher.frame() == ": keepalive"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "synapse_dash_token=x.9.y"}])
async def test_the_feed_needs_a_login(start: Any, headers: dict[str, str]) -> None:
    gateway = await start({}, **LIVE)
    answer = await refusal(gateway, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_token"


async def test_without_a_token_the_feed_is_disabled(start: Any) -> None:
    gateway = await start({}, SYNAPSE_TERMINAL_FEED_MODE="live")
    answer = await refusal(gateway, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "auth_not_configured"


async def test_a_slow_reader_loses_events_and_others_lose_none(start: Any) -> None:
    gateway = await start({}, SYNAPSE_TERMINAL_FEED_SUBSCRIBER_QUEUE_SIZE="10", **LIVE)
    async with asyncio.timeout(WAIT_S), connected(gateway.port) as slow:
        await slow.send(ASK)
        await slow.reader.readuntil(b"event: meta")
        for number in range(50):
            log.info("line %d", number)
        text = await slow.reader.readuntil(b"line 49")
        assert b"line 39" not in text
        assert b"line 40" in text
    metrics = (await gateway.http.get("/metrics")).text
    assert "synapse_feed_dropped_events_total 40.0" in metrics


async def test_the_feed_ends_when_the_replica_shuts_down(start: Any) -> None:
    gateway = await start({}, **LIVE)
    async with watching(gateway) as watcher:
        await watcher.frame()
        gateway.gateway.drain()
        async with asyncio.timeout(WAIT_S):  # shorter than the keepalive interval
            assert await watcher.frame() == ""
        answer = await refusal(gateway)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "draining"


async def test_a_stalled_reader_does_not_delay_the_shutdown(start: Any) -> None:
    gateway = await start({}, SYNAPSE_TERMINAL_FEED_MAX_LINE_CHARS="60000", **LIVE)
    async with connected(gateway.port) as stalled:
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await stalled.send(ASK)
        await until(lambda: gateway.gateway.feed.subscribers == 1)
        for _ in range(200):
            log.info("x" * 60000)
            await asyncio.sleep(0)
        gateway.gateway.drain()
        async with asyncio.timeout(WAIT_S):
            await gateway.listener.stop(3 * WAIT_S)
    await until(lambda: gateway.gateway.feed.subscribers == 0)


async def test_a_thousand_idle_subscribers_leak_nothing(start: Any) -> None:
    gateway = await start({}, **LIVE)
    choose = random.Random(27)  # noqa: S311 - it decides who leaves early
    gc.collect()  # sockets that earlier tests left to the collector would be closed in between
    before = _held()
    for _ in range(2):
        async with asyncio.TaskGroup() as group:
            for _ in range(1000):
                group.create_task(_watch_and_leave(gateway.port, aborts=choose.random() < 0.5))
        await until(lambda: gateway.gateway.feed.subscribers == 0)
        await until(lambda: _leaked(before) == (0, 0))


async def _watch_and_leave(port: int, *, aborts: bool) -> None:
    async with connected(port) as line:
        await line.send(ASK)
        if not aborts:
            await line.reader.readuntil(b"event: meta")


def _held() -> tuple[int, int]:
    """Count the tasks and open descriptors of this process."""
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _leaked(before: tuple[int, int]) -> tuple[int, int]:
    """Return the tasks and descriptors that are open beyond those of *before*."""
    tasks, descriptors = (max(0, now - then) for now, then in zip(_held(), before, strict=True))
    return tasks, descriptors
