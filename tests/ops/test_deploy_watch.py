"""Watch over a deployment: only a fault that no waiting ends is one."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.deploy_watch import FORMER_STEADY_S, STEADY_S, DeployWatch

ABSENT = 'failed to pull and unpack image "registry.example/it@sha256:0": manifest unknown'


def pod(uid: str, reason: str | None = None, message: str = "") -> Any:
    waiting = SimpleNamespace(reason=reason, message=message) if reason else None
    status = SimpleNamespace(state=SimpleNamespace(waiting=waiting), image="registry.example/it@sha256:0")
    return SimpleNamespace(
        metadata=SimpleNamespace(uid=uid, name=f"pod-{uid}"),
        status=SimpleNamespace(init_container_statuses=None, container_statuses=[status]),
    )


def watch(*, is_offline: bool = False) -> DeployWatch:
    made = DeployWatch(list, is_offline=is_offline)
    made.observe([pod("former")], 0)
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
    watching = watch(is_offline=is_offline)
    watching.observe([pod("new", reason, message)], 10)
    assert not watching.failed.is_set()
    watching.observe([pod("new", reason, message)], 10 + STEADY_S)
    assert watching.failed.is_set()
    assert watching.fault is not None
    assert watching.fault.startswith(f"pod-new: {reason}: ")


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
    watching = watch()
    for now in (10, 10 + FORMER_STEADY_S, 10 * FORMER_STEADY_S):
        watching.observe([pod("new", reason, message)], now)
    assert not watching.failed.is_set()


def test_a_pod_that_recovers_starts_anew() -> None:
    watching = watch()
    for now in range(0, int(3 * STEADY_S), int(STEADY_S) - 1):
        watching.observe([pod("new", "ErrImagePull", ABSENT)], now)
        watching.observe([pod("new")], now + 0.5)
    assert not watching.failed.is_set()


def test_a_pod_of_an_earlier_deployment_gets_the_time_to_be_replaced() -> None:
    watching = watch()
    for now in (1.0, 1 + STEADY_S, FORMER_STEADY_S):
        watching.observe([pod("former", "ErrImagePull", ABSENT)], now)
        assert not watching.failed.is_set()
    watching.observe([pod("former", "ErrImagePull", ABSENT)], 1 + FORMER_STEADY_S)
    assert watching.failed.is_set()


def test_the_pods_are_read_until_the_context_ends() -> None:
    reads = list[int]()

    def read() -> list[Any]:
        reads.append(1)
        return []

    with DeployWatch(read, is_offline=False) as watching:
        watching._thread.join(0.1)
        while not reads:
            watching._thread.join(0.05)
    assert not watching._thread.is_alive()
    assert watching.fault is None
