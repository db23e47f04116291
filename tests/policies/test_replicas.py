"""Number of pods at once: by replicas, groups, autoscalers and rollouts."""

from typing import Any

import pytest

from tests.conftest import changed
from tests.policies.run_pack import claimed, container, judge, rules, thing, workload


def test_replicas_multiply() -> None:
    kind, props = workload("Deployment", {"containers": [container("80Gi")]})
    assert judge([(kind, props)]) == []
    props["spec"]["replicas"] = 2
    assert rules(judge([(kind, props)])) == ["memory-within-budget"]


def test_groups_count_leaders_and_workers() -> None:
    kind, props = workload("LeaderWorkerSet", {"containers": [container("10Gi")]}, size=4, replicas=2)
    _, leader = workload("Pod", {"containers": [container("1Gi")]})
    assert "8 x 10Gi" in dict(judge([(kind, props)], changed("node.memory", "64Gi")))["memory-within-budget"]
    props["spec"]["leaderWorkerTemplate"]["leaderTemplate"] = {"spec": leader["spec"]}
    message = dict(judge([(kind, props)], changed("node.memory", "64Gi")))["memory-within-budget"]
    assert "2 x 1Gi" in message
    assert "6 x 10Gi" in message


def test_an_autoscaler_that_allows_fewer_changes_nothing() -> None:
    many = workload("Deployment", {"containers": [container("30Gi")]}, replicas=6)
    scaler = thing(
        "HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": 2}
    )
    assert "6 x 30Gi" in dict(judge([many, scaler]))["memory-within-budget"]


@pytest.mark.parametrize(
    ("kind", "spec", "maximum"),
    [
        ("Deployment", {"strategy": {}}, 5),
        ("Deployment", {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3}}}, 7),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": "100%"}}}, 8),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}, 4),
        ("StatefulSet", {}, 4),
        ("Rollout", {"strategy": {"canary": {}}}, 5),
        ("Rollout", {"strategy": {"blueGreen": {"activeService": "a"}}}, 8),
        ("LeaderWorkerSet", {"rolloutStrategy": {"rollingUpdateConfiguration": {"maxSurge": 1}}, "size": 2}, 10),
    ],
)
def test_the_pods_of_a_rollout_count(kind: str, spec: dict[str, Any], maximum: int) -> None:
    judged = workload(kind, {"containers": [container("1Gi", "100m")]}, replicas=4, **spec)
    enough, short = (changed("node.memory", f"{(maximum * 5 + 3) // 4 + less}Gi") for less in (0, -1))
    assert judge([judged], enough) == []
    assert rules(judge([judged], short)) == ["memory-within-budget"]


def test_an_autoscaled_rollout_has_more_pods_as_well() -> None:
    rolled = workload("Deployment", {"containers": [container("1Gi", "100m")]}, strategy={})
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": 8}
    violations = dict(judge([rolled, thing("HorizontalPodAutoscaler", target)], changed("node.memory", "12Gi")))
    message = violations["memory-within-budget"]
    assert "Deployment/hand 8 x 1Gi + Deployment/hand (rollout) 2 x 1Gi" in message


def test_the_pod_of_a_job_is_short_lived() -> None:
    kinds = [workload(kind, {"containers": [container()]}, name=kind.lower()) for kind in ("Pod", "Job", "CronJob")]
    assert {name: line.is_lasting for name, line in claimed(kinds).items()} == {
        "pod": True,
        "job": False,
        "cronjob": False,
    }
