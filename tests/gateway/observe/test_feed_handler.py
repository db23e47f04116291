"""From the log to the feed: every logger, every thread, never itself."""

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
def heard() -> list[FeedEvent]:
    return []


@pytest.fixture
async def handler(heard: list[FeedEvent]) -> AsyncIterator[FeedHandler]:
    found = FeedHandler("here", Redactor(), heard.append, asyncio.get_running_loop())
    found.install()
    log.setLevel(logging.DEBUG)
    yield found
    found.remove()


async def test_info_and_above_of_every_logger_is_heard(handler: FeedHandler, heard: list[FeedEvent]) -> None:
    log.debug("no")
    log.info("token=%s", "canary")
    logging.getLogger("x" * 200).error("loud")
    assert [(event.source, event.level, event.message) for event in heard] == [
        ("tests.of.the.feed", "INFO", "token=[redacted]"),
        ("x" * 120, "ERROR", "loud"),
    ]
    assert heard[0].instance == "here"
    assert datetime.fromisoformat(heard[0].ts).utcoffset() is not None


async def test_a_record_with_a_traceback_shows_none_of_it(handler: FeedHandler, heard: list[FeedEvent]) -> None:
    try:
        int("a prompt")
    except ValueError:
        log.exception("failed")
    assert [event.message for event in heard] == ["failed"]


async def test_what_is_logged_while_a_line_is_taken_is_not_taken(heard: list[FeedEvent]) -> None:
    def publish(event: FeedEvent) -> None:
        heard.append(event)
        log.info("published %s", event.message)

    handler = FeedHandler("here", Redactor(), publish, asyncio.get_running_loop())
    handler.install()
    log.setLevel(logging.INFO)
    log.info("once")
    handler.remove()
    assert [event.message for event in heard] == ["once"]


async def test_a_record_that_cannot_be_written_is_left_out_without_a_word(
    handler: FeedHandler, heard: list[FeedEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    handler.handle(logging.makeLogRecord({"name": "a", "msg": "%d", "args": ("canary",), "levelno": logging.INFO}))
    assert heard == []
    assert capsys.readouterr().err == ""


async def test_another_thread_is_heard_in_the_loops_own(heard: list[FeedEvent]) -> None:
    came = asyncio.Event()
    where: list[int] = []

    def publish(event: FeedEvent) -> None:
        where.append(threading.get_ident())
        heard.append(event)
        came.set()

    handler = FeedHandler("here", Redactor(), publish, asyncio.get_running_loop())
    handler.install()
    log.setLevel(logging.INFO)
    await asyncio.to_thread(log.info, "from afar")
    async with asyncio.timeout(5):
        await came.wait()
    handler.remove()
    assert where == [threading.get_ident()]
    assert [event.message for event in heard] == ["from afar"]


async def test_nothing_is_heard_after_it_is_removed(handler: FeedHandler, heard: list[FeedEvent]) -> None:
    handler.remove()
    log.info("late")
    assert heard == []
