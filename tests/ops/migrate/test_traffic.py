"""The callers of a server are read from its log; a log that is incomplete proves nothing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from infra.settings.consumers import OwnServer
from ops.migrate.errors import MigrationError
from ops.migrate.traffic import Traffic, read_traffic, stop_obstacle, timestamp

NOW = datetime.now(UTC)
OWN = OwnServer()
EMBED = '[GIN] 2026/11/20 - 10:00:00 | 200 |  1.2ms |      10.42.0.17 | POST     "/api/embed"'
PREFLIGHT = '[GIN] 2026/11/20 - 10:00:00 | 200 |  1.2ms |       127.0.0.1 | POST     "/v1/embeddings"'
"""A pre-flight check, through a port of the pod."""
PROBED = '[GIN] 2026/11/20 - 10:00:00 | 200 |   12µs |       10.42.0.1 | GET      "/"'


def at(hours_ago: float, line: str) -> tuple[datetime, str]:
    return NOW - timedelta(hours=hours_ago), line


class Objects:
    """One pod, started *hours_ago*, with its log."""

    namespace = "jarvis-cortex"

    def __init__(self, hours_ago: float, *lines: tuple[datetime, str]) -> None:
        running = SimpleNamespace(started_at=NOW - timedelta(hours=hours_ago))
        statuses = [SimpleNamespace(state=SimpleNamespace(running=running))]
        self.pod = SimpleNamespace(
            metadata=SimpleNamespace(name="ollama-0"), status=SimpleNamespace(container_statuses=statuses)
        )
        self.lines = [*lines]
        self.core = self

    def pods(self, _: str) -> list[Any]:
        return [self.pod]

    def list_namespaced_pod(self, _: str) -> Any:
        caller = SimpleNamespace(
            metadata=SimpleNamespace(name="indexer-1"), status=SimpleNamespace(pod_ip="10.42.0.17")
        )
        return SimpleNamespace(items=[caller])

    def read_namespaced_pod_log(self, *_: str, **limits: Any) -> str:
        since = NOW - timedelta(seconds=limits.get("since_seconds", 10**9))
        return "\n".join(f"{when:%Y-%m-%dT%H:%M:%S.%f}123Z {line}" for when, line in self.lines if when >= since)


def traffic_of(objects: Objects, hours: float = 24) -> Traffic:
    return read_traffic(objects, OWN, NOW - timedelta(hours=hours))  # type: ignore[arg-type]


def test_a_server_without_requests_may_stop() -> None:
    traffic = traffic_of(Objects(48, at(48, "Listening on [::]:11434"), at(30, EMBED), at(2, PREFLIGHT), at(1, PROBED)))
    assert (traffic.requests, traffic.is_complete, stop_obstacle(traffic, OWN)) == (0, True, None)


def test_callers_are_named() -> None:
    traffic = traffic_of(Objects(48, at(48, "Listening"), at(20, EMBED), at(2, EMBED)))
    assert (traffic.requests, traffic.callers) == (2, ("10.42.0.17 (indexer-1)",))
    assert traffic.last
    assert abs(traffic.last - (NOW - timedelta(hours=2))) < timedelta(seconds=1)
    assert "ollama got 2 requests since" in (stop_obstacle(traffic, OWN) or "")
    assert "from 10.42.0.17 (indexer-1): move these callers first" in (stop_obstacle(traffic, OWN) or "")


@pytest.mark.parametrize(
    "objects",
    [Objects(48, at(3, PROBED)), Objects(5, at(5, "Listening"))],
    ids=["truncated", "started since"],
)
def test_a_log_that_starts_too_late_proves_nothing(objects: Objects) -> None:
    traffic = traffic_of(objects)
    assert (traffic.requests, traffic.is_complete) == (0, False)
    assert "may be missing" in (stop_obstacle(traffic, OWN) or "")


def test_a_log_that_cannot_be_read_is_an_error() -> None:
    objects = Objects(48)

    def refuse(*arguments: Any, **limits: Any) -> str:
        raise client.ApiException(status=403, reason="Forbidden")

    objects.read_namespaced_pod_log = refuse  # type: ignore[method-assign]
    with pytest.raises(MigrationError, match=r"the log of jarvis-cortex/ollama-0 cannot be read \(403 Forbidden\)"):
        traffic_of(objects)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-20T10:00:00.123456789Z a", datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T10:00:00Z a", datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)),
        ("2026-11-20T12:00:00.5+02:00 a", datetime(2026, 11, 20, 10, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_every_line_has_a_timestamp(written: str, read: datetime) -> None:
    assert timestamp(written) == read


def test_a_line_without_a_timestamp_is_an_error() -> None:
    with pytest.raises(MigrationError, match="without a timestamp: 'unable to retrieve'"):
        timestamp("unable to retrieve")
