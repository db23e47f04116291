"""A stack that builds its images: the rules take a digest that is not known yet, and let nothing else pass with it."""

import copy
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from infra.plan.stack import plan
from infra.settings.loader import load
from tests.conftest import config_of
from tests.policies.run_pack import Resource, judge, resources_of, rules


@pytest.fixture(scope="module")
def local() -> list[Resource]:
    return resources_of(plan(load("local")))


def before_the_build(resources: list[Resource]) -> list[Resource]:
    """As a preview has them that is to build every image."""
    found = copy.deepcopy(resources)
    for container in containers(found):
        container["image"] = UNKNOWN_STRING_VALUE
    return found


def containers(resources: list[Resource]) -> list[dict[str, Any]]:
    pods = [props["spec"]["template"]["spec"] for kind, props in resources if kind.endswith(":Deployment")]
    return [container for pod in pods for container in pod["containers"]]


def test_a_digest_that_is_not_known_yet_breaks_no_rule(local: list[Resource]) -> None:
    assert judge(before_the_build(local), config_of("local")) == []


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("securityContext", {"readOnlyRootFilesystem": False}, "root-is-read-only"),
        ("resources", {"limits": {"memory": "60Gi", "cpu": "1"}}, "memory-within-budget"),
        ("livenessProbe", None, "servers-are-probed"),
    ],
)
def test_all_else_of_such_a_pod_is_still_proven(local: list[Resource], field: str, value: Any, rule: str) -> None:
    found = before_the_build(local)
    containers(found)[0][field] = value
    assert any(rule in broken for broken in rules(judge(found, config_of("local"))))
