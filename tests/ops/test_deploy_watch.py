"""Watch over a deployment: only a fault that no waiting ends, and that has lasted, is one."""

from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from ops.deploy_watch import FORMER_STEADY_S, STEADY_S, SteadyFaults
from ops.errors import UnreachableError
from ops.fault_watch import FaultWatch

ABSENT = 'failed to pull and unpack image "registry.example/it@sha256:0": manifest unknown'


def pod(uid: str, reason: str | None = None, message: str = "") -> Any:
    waiting = SimpleNamespace(reason=reason, message=message) if reason else None
    status = SimpleNamespace(state=SimpleNamespace(waiting=waiting), image="registry.example/it@sha256:0")
    return SimpleNamespace(
        metadata=SimpleNamespace(uid=uid, name=f"pod-{uid}"),
        status=SimpleNamespace(init_container_statuses=None, container_statuses=[status]),
    )


def faults(*, is_offline: bool = False) -> SteadyFaults:
    made = SteadyFaults(is_offline=is_offline)
    assert made.observe([pod("former")], 0) is None
    return made


@pytest.mark.parametrize(
    ("reason", "message", "is_offline"),
    [
        ("ErrImagePull", ABSENT, False),
        ("ImagePullBackOff", f'Back-off pulling image "it": ErrImagePull: {ABSENT}', False),
        ("ErrImagePull", "registry.example/it: not found", False),
        ("InvalidImageName", "", False),
        ("ErrImagePull", "dial tcp: lookup registry.example: no such host", True),
    ],
)
def test_a_pod_without_an_image_ends_the_deployment(reason: str, message: str, is_offline: bool) -> None:  # noqa: FBT001
    watched = faults(is_offline=is_offline)
    assert watched.observe([pod("new", reason, message)], 10) is None
    fault = watched.observe([pod("new", reason, message)], 10 + STEADY_S)
    assert fault is not None
    assert fault.startswith(f"pod-new: {reason}: ")


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("ErrImagePull", "dial tcp: lookup registry.example: no such host"),
        ("ErrImagePull", "429 Too Many Requests"),
        ("CreateContainerConfigError", 'secret "keys" not found'),
        ("CrashLoopBackOff", "back-off 40s restarting failed container"),
        ("ContainerCreating", ""),
        (None, ""),
    ],
)
def test_a_fault_that_may_end_by_itself_is_waited_for(reason: str | None, message: str) -> None:
    watched = faults()
    for now in (10, 10 + FORMER_STEADY_S, 10 * FORMER_STEADY_S):
        assert watched.observe([pod("new", reason, message)], now) is None


def test_a_pod_that_recovers_starts_anew() -> None:
    watched = faults()
    for now in range(0, int(3 * STEADY_S), int(STEADY_S) - 1):
        assert watched.observe([pod("new", "ErrImagePull", ABSENT)], now) is None
        assert watched.observe([pod("new")], now + 0.5) is None


def test_a_pod_of_an_earlier_deployment_gets_the_time_to_be_replaced() -> None:
    watched = faults()
    for now in (1.0, 1 + STEADY_S, FORMER_STEADY_S):
        assert watched.observe([pod("former", "ErrImagePull", ABSENT)], now) is None
    assert watched.observe([pod("former", "ErrImagePull", ABSENT)], 1 + FORMER_STEADY_S)


def test_a_watch_ends_with_its_context() -> None:
    looked = Event()
    with FaultWatch(looked.set) as watch:
        assert looked.wait(60)
    assert not watch._thread.is_alive()
    assert (watch.fault, watch.failed.is_set()) == (None, False)


def test_a_watch_outlives_a_cluster_that_is_away_and_ends_with_the_first_fault() -> None:
    results = iter((UnreachableError("away"), None, "pod-it: ErrImagePull", "another"))

    def look() -> str | None:
        result = next(results)
        if isinstance(result, UnreachableError):
            raise result
        return result

    with FaultWatch(look) as watch:
        assert watch.failed.wait(60)
        watch._thread.join()
    assert watch.fault == "pod-it: ErrImagePull"
    assert next(results) == "another"
