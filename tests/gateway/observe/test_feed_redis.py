"""Redis bus between replicas, with a real server: exchange and redaction of events."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from components.feed_bus import account, password_rule
from synapse_gateway.environment import SettingError
from synapse_gateway.observe.feed.event import FeedEvent
from synapse_gateway.settings import load
from tests.gateway.feed_client import watching
from tests.gateway.observe.replicas import environment, foreign, subscribed, until_message
from tests.gateway.redis_server import CHANNEL, RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("logged")]
log = logging.getLogger("tests.redis")


async def test_an_event_is_published_as_five_keys_of_compact_json(start: Any, redis: RedisServer) -> None:
    await start({}, **environment(redis.url))
    async with redis.listener() as published:
        log.warning("password=canary and\na break")
        payload = await until_message(published, b"tests.redis")
    event = msgspec.json.decode(payload, type=FeedEvent)
    assert payload == msgspec.json.encode(event)
    assert (event.source, event.level, event.instance) == ("tests.redis", "WARNING", "one")
    assert event.message == r"password=[redacted] and \n a break"


async def test_a_replica_receives_events_of_others_and_ignores_its_own(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **environment(redis.url))
    await subscribed(gateway)
    async with watching(gateway) as watcher, redis.client() as other:
        assert (await watcher.event())["bus_mode"] == "redis"
        await other.publish(CHANNEL, foreign(instance="one", message="an echo"))
        await other.publish(CHANNEL, foreign(message="from another"))
        (*_, first) = await watcher.until("from another")
        log.info("our own")
        assert first["instance"] == "two"
        messages = [event["message"] for event in await watcher.until("our own")]
    assert messages.count("our own") == 1
    assert "an echo" not in messages


async def test_events_of_other_replicas_are_redacted_and_not_published_again(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **environment(redis.url))
    await subscribed(gateway)
    async with redis.listener() as published, watching(gateway) as watcher, redis.client() as other:
        await watcher.frame()
        payload = foreign(
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
        assert await published.get() == payload
        assert b"the end" in await published.get()


async def test_messages_that_are_no_events_are_ignored(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **environment(redis.url))
    await subscribed(gateway)
    async with watching(gateway) as watcher, redis.client() as other:
        await watcher.frame()
        for payload in (
            b"no json",
            b"[]",
            b'{"ts":1}',
            b"\xff",
            b"[" * 100_000,
            foreign(level="LOUD"),
            foreign(message="x" * 300_000),
        ):
            await other.publish(CHANNEL, payload)
        await other.publish(CHANNEL, foreign(message="an event", ts="2026-99-19T05:01:29Z"))
        (event,) = await watcher.until("an event")
    assert event["ts"] == ""


async def test_no_event_is_sent_twice(start: Any, redis: RedisServer) -> None:
    gateway = await start({}, **environment(redis.url))
    await subscribed(gateway)

    async def talk(other: Any) -> None:
        for number in range(200):
            log.info("ours %d", number)
            await other.publish(CHANNEL, foreign(message=f"theirs {number}"))
        log.info("the last one")

    async with redis.client() as other:
        task = asyncio.create_task(talk(other))
        async with watching(gateway, "?backlog=500&sources=tests.redis,x") as watcher:
            await watcher.frame()
            messages = [event["message"] for event in await watcher.until("the last one")]
        await task
    assert len(messages) == len(set(messages))
    assert [message for message in messages if message.startswith("ours")] == [
        f"ours {number}" for number in range(200)
    ]


@pytest.mark.parametrize("url", ["", "http://host", "redis://host:none", "//canary"])
def test_a_bad_redis_address_fails_the_start_and_is_not_shown(url: str) -> None:
    with pytest.raises(SettingError, match="SYNAPSE_TERMINAL_FEED_REDIS_URL") as caught:
        load(environment(url))
    assert not url or url not in str(caught.value)


async def test_the_redis_account_of_the_feed_has_minimal_rights(start: Any, tmp_path: Path) -> None:
    rules = account(password_rule("canary"))
    async with RedisServer(tmp_path, *rules, password="canary") as redis, redis.client() as other:  # noqa: S106
        gateway = await start({}, **environment(redis.url))
        await subscribed(gateway)
        async with watching(gateway) as watcher, redis.listener() as published:
            await other.publish(CHANNEL, foreign(message="from another"))
            await watcher.until("from another")
            log.warning("our own")
            while msgspec.json.decode(await published.get(), type=FeedEvent).message != "our own":
                pass
        for command in ("GET a", "PUBLISH elsewhere a", "CONFIG GET *", "ACL LIST", "KEYS *", "FLUSHALL"):
            with pytest.raises(NoPermissionError):
                await other.execute_command(*command.split())  # type: ignore[no-untyped-call]
        async with Redis.from_url(f"redis://127.0.0.1:{redis.port}/0") as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.publish(CHANNEL, "a")
