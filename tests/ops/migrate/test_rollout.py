"""When a Deployment counts as rolled out, and when as one that will not be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client

from ops.migrate.errors import StepError
from ops.migrate.objects import Objects

NOW = datetime.now(UTC)


def deployment(*, ready: bool = False, missed: datetime | None = None, generation: int = 2) -> Any:
    """One of a replica, whose rollout *missed* its deadline then."""
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
    """`wait(state, ...)` sees these states, one after the other, and then nothing more."""

    def run(*states: Any) -> None:
        objects = Objects(None, "jarvis-cortex")
        monkeypatch.setattr(objects, "_watched", lambda *_: iter(states))
        monkeypatch.setattr(objects, "pods", lambda _: [])
        objects.wait("indexer", 1)

    return run


def test_it_is_waited_for(wait: Wait) -> None:
    wait(deployment(), deployment(ready=True, generation=3), deployment(ready=True), "not looked at")


def test_a_deadline_that_was_missed_before_is_no_news(wait: Wait) -> None:
    """The way back begins where the way there has failed."""
    wait(deployment(missed=NOW), deployment(missed=NOW), deployment(ready=True))


@pytest.mark.parametrize("before", [None, NOW - timedelta(seconds=30)])
def test_one_that_is_missed_now_ends_the_wait(wait: Wait, before: datetime | None) -> None:
    said = "jarvis-cortex/indexer does not get ready: it has timed out now"
    with pytest.raises(StepError, match=said):
        wait(deployment(missed=before), deployment(missed=NOW), deployment(ready=True))


def test_one_that_never_gets_ready_is_given_up(wait: Wait) -> None:
    with pytest.raises(StepError, match="jarvis-cortex/indexer is not ready after 1 s"):
        wait(deployment(), deployment())
