"""Bus of the terminal feed: the catalog's arguments with a real Redis."""

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from components.feed_bus import password_rule
from infra.catalog.gateway import FEED_CHANNEL, FEED_PASSWORD_RULE
from tests.upstream.image import system
from tests.upstream.images import configured
from tests.upstream.running import ADDRESS, Running, started
from tests.upstream.stack import of_kind
from tools.offline.debian import program

pytestmark = pytest.mark.usefixtures("privileged")
PASSWORD = "of-the-test"  # noqa: S105


def connected(password: str) -> Redis:
    return Redis(ADDRESS, 6379, password=password)


def passes_an_event_on() -> bytes:
    """Return what a subscriber receives of an event."""
    with connected(PASSWORD) as bus, bus.pubsub() as subscription:
        subscription.subscribe(FEED_CHANNEL)
        assert subscription.get_message(timeout=60)
        bus.publish(FEED_CHANNEL, b"event")
        message = subscription.get_message(timeout=60)
        assert message
        data: bytes = message["data"]
        return data


def refuses(password: str, *command: str) -> type[Exception] | None:
    try:
        with connected(password) as bus:
            bus.execute_command(*command)
    except (AuthenticationError, NoPermissionError) as error:
        return type(error)
    return None


def test_the_bus_passes_events_on_and_nothing_else(tmp_path: Path) -> None:
    program("redis-server")
    container = of_kind("feed-bus", **{FEED_PASSWORD_RULE: password_rule(PASSWORD)})
    with started(container, configured("feed-bus", system()), tmp_path) as running:
        running.wait_until_ready()
        assert running.call(passes_an_event_on) == b"event"
        assert running.call(refuses, PASSWORD, "SET", "key", "value") is NoPermissionError
        assert running.call(refuses, "another", "PING") is AuthenticationError
        assert running.stop() == 0
        assert written(running) == []


def written(running: Running) -> list[Path]:
    return [path for path in (running.folder / "volumes").rglob("*") if path.is_file()]
