"""The wait for the rollout of a Deployment, and its end after a missed deadline."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client

from ops.migrate.errors import StepError
from ops.migrate.objects import Objects

NOW = datetime.now(UTC)


def deployment(*, ready: bool = False, missed: datetime | None = None, generation: int = 2) -> Any:
    """A Deployment with one replica, whose rollout *missed* its deadline at that time."""
    late = client.V1DeploymentCondition(
        type="Progressing",
        status="False",
        reason="ProgressDeadlineExceeded",
        message="it has timed out now" if missed == NOW else "it had timed out",
        last_update_time=missed,
    )
    count = 1 if ready else 0
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name="indexer", generation=generation),
        spec=client.V1DeploymentSpec(replicas=1, selector=client.V1LabelSelector(), template={}),
        status=client.V1DeploymentStatus(
            observed_generation=2,
            replicas=1,
            updated_replicas=1,
            available_replicas=count,
            conditions=[late] if missed else None,
        ),
    )


Wait = Callable[..., None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """`wait(state, ...)` sees these states, one after the other."""

    def run(*states: Any) -> None:
        objects = Objects(None, "jarvis-cortex")
        monkeypatch.setattr(objects, "_watch", lambda *_: iter(states))
        monkeypatch.setattr(objects, "pods", lambda _: [])
        objects.wait("indexer", 1)

    return run


def test_a_rollout_is_awaited(wait: Wait) -> None:
    wait(deployment(), deployment(ready=True, generation=3), deployment(ready=True), "not read")


def test_a_deadline_that_was_missed_before_does_not_count(wait: Wait) -> None:
    """A rollback begins after a failed rollout."""
    wait(deployment(missed=NOW), deployment(missed=NOW), deployment(ready=True))


@pytest.mark.parametrize("before", [None, NOW - timedelta(seconds=30)])
def test_a_deadline_that_is_missed_now_ends_the_wait(wait: Wait, before: datetime | None) -> None:
    message = "jarvis-cortex/indexer does not become ready: it has timed out now"
    with pytest.raises(StepError, match=message):
        wait(deployment(missed=before), deployment(missed=NOW), deployment(ready=True))


def test_a_rollout_has_a_timeout(wait: Wait) -> None:
    with pytest.raises(StepError, match="jarvis-cortex/indexer is not ready after 1 s"):
        wait(deployment(), deployment())
