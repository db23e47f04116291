"""State of a pod: ready, terminating, and reasons of a waiting container that do not end."""

from datetime import UTC, datetime
from types import SimpleNamespace as Api
from typing import Any

import pytest

from ops.cluster.pod_status import FATAL_WAITING, fatal_waiting, is_ready, is_terminating, waiting_reasons
from ops.models.worker import Worker

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(*, ready: str = "True", deleted: datetime | None = None, reason: str | None = None) -> Any:
    waiting = Api(reason=reason, message="details") if reason else None
    return Api(
        metadata=Api(name="server-1", deletion_timestamp=deleted),
        spec=Api(containers=[Api(image="gateway@sha256:aaaa")]),
        status=Api(conditions=[Api(type="Ready", status=ready)], container_statuses=[Api(state=Api(waiting=waiting))]),
    )


def test_a_pod_with_the_condition_is_ready() -> None:
    assert is_ready(pod())
    assert not is_ready(pod(ready="False"))
    assert not is_ready(Api(metadata=Api(deletion_timestamp=None), status=Api(conditions=None)))


def test_a_terminating_pod_is_not_ready() -> None:
    assert is_terminating(pod(deleted=NOW))
    assert not is_ready(pod(deleted=NOW))


def test_the_image_of_a_terminating_pod_is_not_used_for_a_worker() -> None:
    def worker(*pods: Any) -> Worker:
        return Worker(Api(list_namespaced_pod=lambda *_, **__: Api(items=list(pods))), "llm-infra")

    assert worker(pod(deleted=NOW)).image_of("synapse-gateway") is None
    assert worker(pod(deleted=NOW), pod()).image_of("synapse-gateway") == "gateway@sha256:aaaa"


@pytest.mark.parametrize("reason", sorted(FATAL_WAITING))
def test_a_fatal_reason_is_reported(reason: str) -> None:
    (status,) = pod(reason=reason).status.container_statuses
    assert fatal_waiting(status) == f"{reason}: details"


@pytest.mark.parametrize("reason", [None, "ContainerCreating", "PodInitializing"])
def test_other_reasons_end_without_a_change(reason: str | None) -> None:
    (status,) = pod(reason=reason).status.container_statuses
    assert fatal_waiting(status) is None


def test_reasons_of_waiting_containers_are_listed() -> None:
    assert list(waiting_reasons(pod(reason="ContainerCreating"))) == ["ContainerCreating details"]
    assert list(waiting_reasons(pod())) == []
