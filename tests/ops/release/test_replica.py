"""What is made of a pod as the API has it."""

from datetime import UTC, datetime
from types import SimpleNamespace as Api
from typing import Any

import pytest

from infra.errors import ReleaseError
from ops.release.replica import check, fault, replicas, serving

OLD, NEW = "registry.example/gateway:1@sha256:aaaa", "registry.example/gateway:2@sha256:bbbb"


def pod(name: str, image: str, minute: int, **more: Any) -> Api:
    """One that is ready and runs what it was told, unless *more* says otherwise."""
    found: dict[str, Any] = {"ready": "True", "id": image, "waiting": None, "ended": None, "going": None} | more
    waiting = Api(reason=found["waiting"], message="why") if found["waiting"] else None
    ended = Api(exit_code=found["ended"], reason="Error") if found["ended"] is not None else None
    status = Api(image_id=found["id"], state=Api(waiting=waiting, terminated=None), last_state=Api(terminated=ended))
    made = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Api(
        metadata=Api(name=name, creation_timestamp=made, deletion_timestamp=found["going"]),
        spec=Api(containers=[Api(image=image)]),
        status=Api(conditions=[Api(type="Ready", status=found["ready"])], container_statuses=[status]),
    )


def test_the_oldest_that_is_ready_serves() -> None:
    found = replicas([pod("b", NEW, 2), pod("a", OLD, 1), pod("c", NEW, 0, ready="False")])
    assert serving(found) == OLD
    assert serving(replicas([pod("a", OLD, 1, ready="False")])) is None


def test_one_on_its_way_out_does_not_count() -> None:
    check(replicas([pod("a", OLD, 1, going="now"), pod("b", NEW, 2)]), NEW, 1)


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ([pod("a", NEW, 1, id="registry.example/gateway@sha256:cccc")], "a runs registry.example/gateway@sha256:cccc"),
        ([pod("a", NEW, 1, id="")], "a runs nothing"),
        ([pod("a", NEW, 1, ready="False")], "a is not ready"),
        ([], "there are 0 pods and not 1"),
        ([pod("a", NEW, 1), pod("b", NEW, 1)], "there are 2 pods and not 1"),
        ([pod("a", OLD, 1)], f"a runs {OLD}"),
    ],
)
def test_a_pod_that_is_not_as_released_is_named(pods: list[Api], said: str) -> None:
    with pytest.raises(ReleaseError) as raised:
        check(replicas(pods), NEW, 1)
    assert str(raised.value) == said


def test_the_digest_decides_by_whatever_name_the_node_has_it() -> None:
    check(replicas([pod("a", NEW, 1, id="other.example/mirror@sha256:bbbb")]), NEW, 1)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"waiting": "CrashLoopBackOff", "ended": 1}, "new: ended with exit code 1 (Error)"),
        ({"ended": 137}, "new: ended with exit code 137 (Error)"),
        ({"waiting": "ImagePullBackOff"}, "new: ImagePullBackOff: why"),
        ({"waiting": "ContainerCreating"}, None),
        ({}, None),
    ],
)
def test_what_cannot_run_is_known_before_the_rollout_ends(state: dict[str, Any], said: str | None) -> None:
    found = replicas([pod("old", OLD, 1), pod("new", NEW, 2, ready="False", **state)])
    assert fault(found, NEW) == said


def test_of_another_image_nothing_is_said() -> None:
    found = replicas([pod("old", OLD, 1, ready="False", ended=1), pod("new", NEW, 2, ended=1)])
    assert fault(found, NEW) is None  # it is ready: it has ended once, a while ago


def test_a_pod_that_was_just_made_has_no_state() -> None:
    young = pod("new", NEW, 1)
    young.status = Api(conditions=None, container_statuses=None)
    assert fault(replicas([young]), NEW) is None
