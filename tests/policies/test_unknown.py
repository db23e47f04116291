"""What is not known before the update, or cannot be read, is no proof that it fits."""

from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE

from tests.conftest import changed
from tests.policies.run_pack import Resource, container, judge, rules, thing, workload


def test_unknown_values_elsewhere_do_not_blind_the_rules(forge: list[Resource]) -> None:
    spec = {
        "serviceAccountName": UNKNOWN_STRING_VALUE,
        "containers": [container("200Gi", "1m", image=UNKNOWN_STRING_VALUE, env=UNKNOWN_ARRAY_VALUE)],
    }
    assert rules(judge([*forge, workload("Deployment", spec)])) == ["memory-within-budget"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"containers": [container(UNKNOWN_STRING_VALUE)]},
            "its memory in limits of container main is not known before",
        ),
        ({"containers": UNKNOWN_ARRAY_VALUE}, "its containers are not known before the update"),
        ({"containers": [container("lots")]}, "its memory in limits of container main cannot be read"),
    ],
)
def test_what_cannot_be_proved_is_refused(spec: dict[str, Any], said: str) -> None:
    found = judge([workload("Deployment", spec)])
    assert {"memory-within-budget", "containers-have-limits"} <= set(rules(found))
    assert all(said in message and "Deployment/hand" in message for _, message in found)


def test_unknown_replicas_are_refused() -> None:
    kind, props = workload("Deployment", {"containers": [container()]})
    props["spec"]["replicas"] = UNKNOWN_NUMBER_VALUE
    found = dict(judge([(kind, props)]))
    assert "its replicas are not known before the update" in found["memory-within-budget"]


def test_an_unknown_list_is_refused() -> None:
    found = judge([("kubernetes:core/v1:PodList", {"items": UNKNOWN_ARRAY_VALUE})])
    assert "memory-within-budget" in rules(found)


def test_an_autoscaler_without_a_known_most_is_refused() -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": UNKNOWN_NUMBER_VALUE}
    found = judge([workload("Deployment", {"containers": [container()]}), thing("HorizontalPodAutoscaler", spec)])
    assert "most replicas are not known" in dict(found)["memory-within-budget"]


def test_a_surge_that_is_not_known_is_no_proof() -> None:
    unknown = {"rollingUpdate": {"maxSurge": UNKNOWN_NUMBER_VALUE}}
    found = dict(judge([workload("Deployment", {"containers": [container()]}, strategy=unknown)]))
    assert "its maxSurge is not known before the update" in found["memory-within-budget"]


def test_a_card_that_cannot_be_read_is_no_proof() -> None:
    messages = [message for _, message in judge([], changed("models", {"mine": {"file": "/nowhere/model.gguf"}}))]
    assert any("the stack's model specs cannot be read" in message for message in messages)
