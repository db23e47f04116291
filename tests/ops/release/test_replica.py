"""Replicas of a release, from pods as the API has them."""

from datetime import UTC, datetime
from types import SimpleNamespace as Api
from typing import Any

import pytest

from infra.errors import ReleaseError
from ops.release.replica import check, first_fault, replicas, serving_image

OLD, NEW = "registry.example/gateway:1@sha256:aaaa", "registry.example/gateway:2@sha256:bbbb"


def pod(name: str, image: str, minute: int, **more: Any) -> Api:
    """Return a ready pod that runs *image*, with *more* changed."""
    fields: dict[str, Any] = {"ready": "True", "id": image, "waiting": None, "ended": None, "going": None} | more
    waiting = Api(reason=fields["waiting"], message="why") if fields["waiting"] else None
    ended = Api(exit_code=fields["ended"], reason="Error") if fields["ended"] is not None else None
    status = Api(image_id=fields["id"], state=Api(waiting=waiting, terminated=None), last_state=Api(terminated=ended))
    made = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Api(
        metadata=Api(name=name, creation_timestamp=made, deletion_timestamp=fields["going"]),
        spec=Api(containers=[Api(image=image)]),
        status=Api(conditions=[Api(type="Ready", status=fields["ready"])], container_statuses=[status]),
    )


def test_the_oldest_ready_pod_serves() -> None:
    pods = replicas([pod("b", NEW, 2), pod("a", OLD, 1), pod("c", NEW, 0, ready="False")])
    assert serving_image(pods) == OLD
    assert serving_image(replicas([pod("a", OLD, 1, ready="False")])) is None


def test_a_terminating_pod_does_not_count() -> None:
    check(replicas([pod("a", OLD, 1, going="now"), pod("b", NEW, 2)]), NEW, 1)


@pytest.mark.parametrize(
    ("pods", "message"),
    [
        ([pod("a", NEW, 1, id="registry.example/gateway@sha256:cccc")], "a runs registry.example/gateway@sha256:cccc"),
        ([pod("a", NEW, 1, id="")], "a runs nothing"),
        ([pod("a", NEW, 1, ready="False")], "a is not ready"),
        ([], "0 pods exist; expected: 1"),
        ([pod("a", NEW, 1), pod("b", NEW, 1)], "2 pods exist; expected: 1"),
        ([pod("a", OLD, 1)], f"a runs {OLD}"),
    ],
)
def test_a_pod_that_differs_from_the_release_is_named(pods: list[Api], message: str) -> None:
    with pytest.raises(ReleaseError) as raised:
        check(replicas(pods), NEW, 1)
    assert str(raised.value) == message


def test_only_the_digest_of_the_image_is_compared() -> None:
    check(replicas([pod("a", NEW, 1, id="other.example/mirror@sha256:bbbb")]), NEW, 1)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"waiting": "CrashLoopBackOff", "ended": 1}, "new: ended with exit code 1 (Error)"),
        ({"ended": 137}, "new: ended with exit code 137 (Error)"),
        ({"waiting": "ImagePullBackOff"}, "new: ImagePullBackOff: why"),
        ({"waiting": "ContainerCreating"}, None),
        ({}, None),
    ],
)
def test_the_first_fault_of_a_rollout(state: dict[str, Any], message: str | None) -> None:
    pods = replicas([pod("old", OLD, 1), pod("new", NEW, 2, ready="False", **state)])
    assert first_fault(pods, NEW) == message


def test_faults_of_another_image_are_ignored() -> None:
    pods = replicas([pod("old", OLD, 1, ready="False", ended=1), pod("new", NEW, 2, ended=1)])
    assert first_fault(pods, NEW) is None  # the new pod is ready: it ended once, earlier


def test_a_new_pod_has_no_fault() -> None:
    new = pod("new", NEW, 1)
    new.status = Api(conditions=None, container_statuses=None)
    assert first_fault(replicas([new]), NEW) is None
