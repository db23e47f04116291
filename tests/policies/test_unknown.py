"""Unknown and unreadable values: a sum that cannot be proved is a violation."""

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE

from tests.conftest import changed
from tests.policies.run_pack import Resource, container, judge, rules, thing, workload


def test_unknown_values_elsewhere_do_not_hide_a_violation(forge: list[Resource]) -> None:
    spec = {
        "serviceAccountName": UNKNOWN_STRING_VALUE,
        "containers": [container("200Gi", "1m", image=UNKNOWN_STRING_VALUE, env=UNKNOWN_ARRAY_VALUE)],
    }
    assert rules(judge([*forge, workload("Deployment", spec)])) == ["memory-within-budget"]


@pytest.mark.parametrize(
    ("spec", "fragment"),
    [
        (
            {"containers": [container(UNKNOWN_STRING_VALUE)]},
            "its memory in limits of container main is not known before",
        ),
        ({"containers": UNKNOWN_ARRAY_VALUE}, "its containers are not known before the update"),
        ({"containers": [container("lots")]}, "its memory in limits of container main cannot be read"),
    ],
)
def test_an_unproved_sum_is_refused(spec: dict[str, Any], fragment: str) -> None:
    violations = judge([workload("Deployment", spec)])
    assert {"memory-within-budget", "containers-have-limits"} <= set(rules(violations))
    assert all(fragment in message and "Deployment/hand" in message for _, message in violations)


def test_unknown_replicas_are_refused() -> None:
    kind, props = workload("Deployment", {"containers": [container()]})
    props["spec"]["replicas"] = UNKNOWN_NUMBER_VALUE
    violations = dict(judge([(kind, props)]))
    assert "its replicas are not known before the update" in violations["memory-within-budget"]


def test_an_unknown_list_is_refused() -> None:
    violations = judge([("kubernetes:core/v1:PodList", {"items": UNKNOWN_ARRAY_VALUE})])
    assert "memory-within-budget" in rules(violations)


def test_an_autoscaler_with_an_unknown_maximum_is_refused() -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": UNKNOWN_NUMBER_VALUE}
    violations = judge([workload("Deployment", {"containers": [container()]}), thing("HorizontalPodAutoscaler", spec)])
    assert "maximum replicas are not known" in dict(violations)["memory-within-budget"]


def test_an_unknown_surge_is_refused() -> None:
    unknown = {"rollingUpdate": {"maxSurge": UNKNOWN_NUMBER_VALUE}}
    violations = dict(judge([workload("Deployment", {"containers": [container()]}, strategy=unknown)]))
    assert "its maxSurge is not known before the update" in violations["memory-within-budget"]


def test_an_unreadable_model_spec_is_refused() -> None:
    messages = [message for _, message in judge([], changed("models", {"mine": {"file": "/nowhere/model.gguf"}}))]
    assert any("the model specs of the stack cannot be read" in message for message in messages)
