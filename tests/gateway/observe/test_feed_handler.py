"""Log handler of the feed: every logger, every thread, no recursion."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from synapse_gateway.observe.feed.event import FeedEvent
from synapse_gateway.observe.feed.handler import FeedHandler
from synapse_gateway.observe.feed.redaction import Redactor

pytestmark = pytest.mark.anyio
log = logging.getLogger("tests.of.the.feed")


@pytest.fixture
def events() -> list[FeedEvent]:
    return []


@pytest.fixture
async def handler(events: list[FeedEvent]) -> AsyncIterator[FeedHandler]:
    feed_handler = FeedHandler("here", Redactor(), events.append, asyncio.get_running_loop())
    feed_handler.install()
    log.setLevel(logging.DEBUG)
    yield feed_handler
    feed_handler.remove()


async def test_records_of_info_and_above_of_every_logger_are_published(
    handler: FeedHandler, events: list[FeedEvent]
) -> None:
    log.debug("no")
    log.info("token=%s", "canary")
    logging.getLogger("x" * 200).error("loud")
    assert [(event.source, event.level, event.message) for event in events] == [
        ("tests.of.the.feed", "INFO", "token=[redacted]"),
        ("x" * 120, "ERROR", "loud"),
    ]
    assert events[0].instance == "here"
    assert datetime.fromisoformat(events[0].ts).utcoffset() is not None


async def test_a_traceback_is_not_published(handler: FeedHandler, events: list[FeedEvent]) -> None:
    try:
        int("a prompt")
    except ValueError:
        log.exception("failed")
    assert [event.message for event in events] == ["failed"]


async def test_records_logged_while_publishing_are_not_published(events: list[FeedEvent]) -> None:
    def publish(event: FeedEvent) -> None:
        events.append(event)
        log.info("published %s", event.message)

    handler = FeedHandler("here", Redactor(), publish, asyncio.get_running_loop())
    handler.install()
    log.setLevel(logging.INFO)
    log.info("once")
    handler.remove()
    assert [event.message for event in events] == ["once"]


async def test_a_record_that_cannot_be_formatted_is_dropped_silently(
    handler: FeedHandler, events: list[FeedEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    handler.handle(logging.makeLogRecord({"name": "a", "msg": "%d", "args": ("canary",), "levelno": logging.INFO}))
    assert events == []
    assert capsys.readouterr().err == ""


async def test_records_of_other_threads_are_published_in_the_loop(events: list[FeedEvent]) -> None:
    came = asyncio.Event()
    where: list[int] = []

    def publish(event: FeedEvent) -> None:
        where.append(threading.get_ident())
        events.append(event)
        came.set()

    handler = FeedHandler("here", Redactor(), publish, asyncio.get_running_loop())
    handler.install()
    log.setLevel(logging.INFO)
    await asyncio.to_thread(log.info, "from afar")
    async with asyncio.timeout(60):
        await came.wait()
    handler.remove()
    assert where == [threading.get_ident()]
    assert [event.message for event in events] == ["from afar"]


async def test_a_removed_handler_publishes_nothing(handler: FeedHandler, events: list[FeedEvent]) -> None:
    handler.remove()
    log.info("late")
    assert events == []
