"""A stack that builds its images: rules accept an image that is unknown yet, and check everything else."""

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
    """Return the resources of a preview that will build every image."""
    changed = copy.deepcopy(resources)
    for container in containers(changed):
        container["image"] = UNKNOWN_STRING_VALUE
    return changed


def containers(resources: list[Resource]) -> list[dict[str, Any]]:
    pods = [props["spec"]["template"]["spec"] for kind, props in resources if kind.endswith(":Deployment")]
    return [container for pod in pods for container in pod["containers"]]


def test_an_unknown_image_violates_no_rule(local: list[Resource]) -> None:
    assert judge(before_the_build(local), config_of("local")) == []


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("securityContext", {"readOnlyRootFilesystem": False}, "root-is-read-only"),
        ("resources", {"limits": {"memory": "60Gi", "cpu": "1"}}, "memory-within-budget"),
        ("livenessProbe", None, "servers-are-probed"),
    ],
)
def test_other_fields_of_such_a_pod_are_still_checked(local: list[Resource], field: str, value: Any, rule: str) -> None:
    changed = before_the_build(local)
    containers(changed)[0][field] = value
    assert any(rule in violated for violated in rules(judge(changed, config_of("local"))))
