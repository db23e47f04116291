"""Sums over the whole stack: in every kind that makes pods, and in every notation."""

import re
from dataclasses import replace
from typing import Any

import pytest

from infra.plan.stack import plan
from infra.quantities import GI, gib
from infra.settings.loader import load
from infra.sizing.budget import total
from policies.reading.pods import TEMPLATES
from tests.conftest import changed, forge_config, planned
from tests.policies.run_pack import Resource, claimed, container, judge, resources_of, rules, workload
from tests.shipped import STACKS

KINDS = sorted({*TEMPLATES, "LeaderWorkerSet", "Rollout"})
JOB_DIGEST = re.compile(r"(?<=-models)-[0-9a-f]{8}$")
"""The end of the name of a Job that fetches models."""
LEDGER = planned().ledger
SPARE = LEDGER.capacity.memory_budget - total(LEDGER.lines, lambda claim: claim.memory_limit)
SPARE_CPU = LEDGER.capacity.cpu_budget - total(LEDGER.lines, lambda claim: claim.cpu_limit)


@pytest.mark.parametrize("stack", STACKS)
def test_the_claims_of_the_resources_equal_the_ledger(stack: str) -> None:
    planned = plan(load(stack))
    of_resources = claimed(resources_of(planned), planned.settings.model_specs)
    lines = {JOB_DIGEST.sub("", name): line for name, line in of_resources.items()}
    assert len(lines) == len(of_resources)
    assert lines.keys() == {line.name for line in planned.ledger.lines}
    for line in planned.ledger.lines:
        read = lines[line.name]
        # no field of a pod contains the working set, or how VRAM is made up
        claim = replace(line.claim, working_set=(), vram_parts=(), vram_error=0)
        assert (read.claim, read.replicas, read.is_lasting) == (claim, line.replicas, line.is_lasting), line.name


@pytest.mark.parametrize("kind", KINDS)
def test_memory_over_the_budget_is_refused_in_every_kind(forge: list[Resource], kind: str) -> None:
    ((rule, message),) = judge([*forge, workload(kind, {"containers": [container(str(SPARE + GI), "1m")]})])
    assert rule == "memory-within-budget"
    for part in (f"{kind}/hand", gib(SPARE + GI), "1Gi over", "156.8Gi", "by 1Gi"):
        assert part in message
    assert judge([*forge, workload(kind, {"containers": [container(str(SPARE), "1m")]})]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_gpu_claim_is_refused_in_every_kind(forge: list[Resource], kind: str) -> None:
    violations = dict(judge([*forge, workload(kind, {"containers": [container(gpus=1)]})]))
    assert f"{kind}/hand: claims 1 nvidia.com/gpu of the 1 that the node has" in violations["gpu-claimed-once"]


def test_cpu_over_the_budget_is_refused(forge: list[Resource]) -> None:
    ((rule, message),) = judge([*forge, workload("Pod", {"containers": [container(cpu=f"{SPARE_CPU + 1}m")]})])
    assert rule == "cpu-within-budget"
    assert "Pod/hand" in message


@pytest.mark.parametrize(
    ("memory", "cpu", "fragment"),
    [(None, "1", "no memory limit; set resources.limits.memory"), ("1Gi", None, "no cpu limit")],
)
@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
def test_a_container_without_a_limit_is_refused(memory: str | None, cpu: str | None, fragment: str, place: str) -> None:
    spec = {"containers": [container()]} | {place: [container(memory, cpu)]}
    ((rule, message),) = judge([workload("Deployment", spec)])
    assert rule == "containers-have-limits"
    assert "Deployment/hand" in message
    assert fragment in message


def limits(memory: str) -> dict[str, Any]:
    return {"limits": {"memory": memory, "cpu": "2"}, "requests": {"memory": "1Gi", "cpu": "1"}}


def test_limits_of_the_whole_pod_are_enough() -> None:
    spec = {"resources": limits("8Gi"), "containers": [container(None, None)]}
    assert judge([workload("Deployment", spec)]) == []
    spec["resources"] = limits("200Gi")
    assert rules(judge([workload("Deployment", spec)])) == ["memory-within-budget"]


def test_sidecars_add_up_and_init_containers_do_not() -> None:
    sidecar = container("80Gi", restartPolicy="Always")
    assert judge([workload("Pod", {"initContainers": [container("80Gi")], "containers": [container("80Gi")]})]) == []
    assert rules(judge([workload("Pod", {"initContainers": [sidecar], "containers": [container("80Gi")]})])) == [
        "memory-within-budget"
    ]
    assert rules(
        judge([workload("Pod", {"initContainers": [sidecar, container("80Gi")], "containers": [container()]})])
    ) == ["memory-within-budget"]


def test_a_memory_volume_needs_a_size_within_the_pods_limit() -> None:
    volume: dict[str, Any] = {"name": "shm", "emptyDir": {"medium": "Memory"}}
    pod = {"containers": [container("4Gi")], "volumes": [volume]}
    assert rules(judge([workload("Pod", pod)])) == ["containers-have-limits"]
    volume["emptyDir"]["sizeLimit"] = "8Gi"
    assert rules(judge([workload("Pod", pod)])) == ["memory-within-budget"]
    volume["emptyDir"]["sizeLimit"] = "2Gi"
    assert judge([workload("Pod", pod)]) == []


def test_a_pod_that_was_added_by_hand_is_named_in_any_order(forge: list[Resource]) -> None:
    by_hand = workload("Pod", {"containers": [container(str(SPARE + GI), gpus=1)]})
    for resources in ([*forge, by_hand], [by_hand, *forge]):
        violations = dict(judge(resources))
        assert violations["gpu-claimed-once"].startswith("Pod/hand: claims 1 nvidia.com/gpu")
        assert violations["memory-within-budget"].startswith("Pod/hand: with its memory limit of")


def test_the_items_of_a_list_are_checked() -> None:
    _, pod = workload("Pod", {"containers": [container("200Gi")]})
    for token in ("kubernetes:core/v1:PodList", "kubernetes:core/v1:List"):
        assert rules(judge([(token, {"items": [pod]})])) == ["memory-within-budget"]


def test_the_objects_of_a_group_are_separate_resources() -> None:
    _, pod = workload("Pod", {"containers": [container("200Gi")]})
    group = ("kubernetes:yaml/v2:ConfigGroup", {"objs": [pod]})
    assert judge([group]) == []
    assert rules(judge([group, ("kubernetes:core/v1:Pod", pod)])) == ["memory-within-budget"]


def test_a_request_that_is_left_out_is_the_limit() -> None:
    spec = {"containers": [container(resources={"limits": {"memory": "200Gi", "cpu": "1"}})]}
    assert rules(judge([workload("Pod", spec)])) == ["memory-within-budget", "requests-within-budget"]


def test_other_resources_are_ignored() -> None:
    assert judge([("aws:s3/bucket:Bucket", {"spec": {"containers": [container(None, None)]}})]) == []


def test_the_budget_is_that_of_the_stack() -> None:
    pod = workload("Pod", {"containers": [container("100Gi")]})
    assert judge([pod], changed("node.memory", "128Gi")) == []
    assert rules(judge([pod], changed("node.memory", "64Gi"))) == ["memory-within-budget"]


def test_without_a_node_every_budget_rule_is_violated() -> None:
    config = forge_config()
    del config["synapse:node"]
    messages = [message for _, message in judge([], config)]
    assert len(messages) == 5
    assert all("no node is described: set synapse:node" in message for message in messages)


def test_the_budget_is_80_percent_of_the_memory() -> None:
    plan = planned("services.vllm.memory.limit", "120Gi")
    (violation,) = plan.ledger.violations()
    assert violation.name == "vllm-inference"
    assert plan.ledger.capacity.memory_budget == 196 * GI * 8 // 10
