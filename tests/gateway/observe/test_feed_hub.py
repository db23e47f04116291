"""Subscriptions of the feed: filter, backlog, dropped events and end."""

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry, Counter

from synapse_gateway.observe.feed.event import EncodedEvent, FeedEvent, level_name
from synapse_gateway.observe.feed.hub import FeedFilter, Hub

pytestmark = pytest.mark.anyio


def _line(message: str, level: str = "INFO", source: str = "a") -> EncodedEvent:
    return EncodedEvent(FeedEvent(ts="", source=source, level=level, message=message, instance="here"))


@pytest.fixture
def dropped() -> Counter:
    return Counter("dropped", "Lost", registry=CollectorRegistry())


def _count(counter: Counter) -> float:
    return next(iter(counter.collect())).samples[0].value


async def test_a_subscriber_gets_the_backlog_and_then_each_event_once(dropped: Counter) -> None:
    hub = Hub(size=3, queue_size=10, dropped=dropped)
    for number in range(5):
        hub.publish(_line(str(number)))
    with hub.subscribe(FeedFilter(rank=logging.INFO, backlog=2)) as watcher:
        hub.publish(_line("5"))
        assert [line.event.message for line in watcher.backlog] == ["3", "4"]
        assert [line.event.message for line in await anext(watcher.batches(1))] == ["5"]
    assert not hub.subscriptions


async def test_the_oldest_events_are_dropped(dropped: Counter) -> None:
    hub = Hub(size=3, queue_size=10, dropped=dropped)
    for number in range(5):
        hub.publish(_line(str(number)))
    with hub.subscribe(FeedFilter(rank=0, backlog=5)) as watcher:
        assert [line.event.message for line in watcher.backlog] == ["2", "3", "4"]


async def test_a_subscriber_gets_the_events_of_its_filter(dropped: Counter) -> None:
    hub = Hub(size=10, queue_size=10, dropped=dropped)
    view = FeedFilter(rank=logging.WARNING, sources=frozenset({"a"}), backlog=10)
    hub.publish(_line("old", "ERROR"))
    with hub.subscribe(view) as watcher:
        for level, source in (("INFO", "a"), ("WARNING", "b"), ("WARNING", "a"), ("CRITICAL", "a")):
            hub.publish(_line(f"{level} {source}", level, source))
        assert [line.event.message for line in watcher.backlog] == ["old"]
        assert [line.event.message for line in await anext(watcher.batches(1))] == ["WARNING a", "CRITICAL a"]


async def test_a_slow_subscriber_loses_its_oldest_events_and_they_are_counted(dropped: Counter) -> None:
    hub = Hub(size=10, queue_size=2, dropped=dropped)
    with hub.subscribe(FeedFilter(rank=0)) as watcher:
        for number in range(5):
            hub.publish(_line(str(number)))
        assert [line.event.message for line in await anext(watcher.batches(1))] == ["3", "4"]
    assert _count(dropped) == 3


async def test_an_idle_feed_yields_empty_batches(dropped: Counter) -> None:
    hub = Hub(size=10, queue_size=2, dropped=dropped)
    with hub.subscribe(FeedFilter(rank=0)) as watcher:
        assert await anext(watcher.batches(0.01)) == []


async def test_the_end_delivers_the_queued_events(dropped: Counter) -> None:
    hub = Hub(size=10, queue_size=2, dropped=dropped)
    with hub.subscribe(FeedFilter(rank=0)) as watcher:
        hub.publish(_line("last"))
        hub.end()
        async with asyncio.timeout(60):
            assert [[line.event.message for line in batch] async for batch in watcher.batches(60)] == [["last"]]


async def test_a_subscriber_that_does_not_end_is_disconnected(dropped: Counter) -> None:
    hub = Hub(size=10, queue_size=2, dropped=dropped)
    cut = asyncio.Event()
    with hub.subscribe(FeedFilter(rank=0)) as watcher:
        watcher.abort = cut.set
        hub.end()
        async with asyncio.timeout(60):
            await cut.wait()


def test_an_event_is_five_keys_of_compact_json() -> None:
    line = _line("it's\nhere")
    assert line.payload == b'{"ts":"","source":"a","level":"INFO","message":"it\'s\\nhere","instance":"here"}'
    assert line.frame == b"event: log\ndata: " + line.payload + b"\n\n"


@pytest.mark.parametrize(
    ("number", "name"), [(5, "DEBUG"), (10, "DEBUG"), (25, "INFO"), (30, "WARNING"), (45, "ERROR"), (99, "CRITICAL")]
)
def test_a_level_between_two_names_has_the_lower_name(number: int, name: str) -> None:
    assert level_name(number) == name
