"""Sums over the whole stack: in every kind that makes pods, whoever wrote it, in any notation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_NUMBER_VALUE, UNKNOWN_STRING_VALUE

from infra.budget import Line, total
from infra.plan import plan
from infra.quantities import GI, gib
from infra.settings import load
from infra.vram import CARDS, ModelCard
from policies import claims
from policies.objects import objects
from policies.pods import TEMPLATES, pods
from policies.rollouts import at_once
from tests.conftest import changed, forge_config, planned
from tests.infra.test_stacks import STACKS
from tests.policies.judging import Resource, container, judge, resource, resources_of, rules, thing, workload

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"
KINDS = sorted({*TEMPLATES, "LeaderWorkerSet", "Rollout"})
LEDGER = planned().ledger
SPARE = LEDGER.capacity.memory_budget - total(LEDGER.lines, lambda claim: claim.memory_limit)
SPARE_CPU = LEDGER.capacity.cpu_budget - total(LEDGER.lines, lambda claim: claim.cpu_limit)


def read(found: list[Resource], cards: Mapping[str, ModelCard] = CARDS) -> dict[str, Line]:
    """The ledger lines of what *found* deploys, by their names in the ledger."""
    deployed = [pod for item in found for one in objects(resource(*item)) for pod in pods(one)]
    lines = [each for pod in deployed for each in at_once(claims.line(pod, LEDGER.capacity, cards), pod)]
    return {line.name.partition("/")[2]: line for line in lines}


@pytest.mark.parametrize("stack", STACKS)
def test_the_resources_claim_what_the_ledger_says(stack: str) -> None:
    planned = plan(load(stack))
    found = read(resources_of(planned), planned.settings.cards)
    assert found.keys() == {line.name for line in planned.ledger.lines}
    for line in planned.ledger.lines:
        seen = found[line.name]
        claim = replace(line.claim, resident=())  # what an engine does with its memory is in no field
        assert (seen.claim, seen.replicas, seen.is_lasting) == (claim, line.replicas, line.is_lasting), line.name


@pytest.mark.parametrize("kind", KINDS)
def test_memory_over_the_budget_is_refused_in_every_kind(forge: list[Resource], kind: str) -> None:
    ((rule, message),) = judge([*forge, workload(kind, {"containers": [container(str(SPARE + GI), "1m")]})])
    assert rule == "memory-within-budget"
    for part in (f"{kind}/hand", gib(SPARE + GI), "1Gi over", "156.8Gi", "take 1Gi off"):
        assert part in message
    assert judge([*forge, workload(kind, {"containers": [container(str(SPARE), "1m")]})]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_gpu_claim_is_refused_in_every_kind(forge: list[Resource], kind: str) -> None:
    found = dict(judge([*forge, workload(kind, {"containers": [container(gpus=1)]})]))
    assert f"{kind}/hand: claims 1 nvidia.com/gpu of the 1 that the node has" in found["gpu-claimed-once"]


def test_cpu_over_the_budget_is_refused(forge: list[Resource]) -> None:
    ((rule, message),) = judge([*forge, workload("Pod", {"containers": [container(cpu=f"{SPARE_CPU + 1}m")]})])
    assert rule == "cpu-within-budget"
    assert "Pod/hand" in message


@pytest.mark.parametrize(
    ("memory", "cpu", "said"),
    [(None, "1", "no memory limit; set resources.limits.memory"), ("1Gi", None, "no cpu limit")],
)
@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
def test_a_container_without_a_limit_is_refused(memory: str | None, cpu: str | None, said: str, place: str) -> None:
    spec = {"containers": [container()]} | {place: [container(memory, cpu)]}
    ((rule, message),) = judge([workload("Deployment", spec)])
    assert rule == "containers-have-limits"
    assert "Deployment/hand" in message
    assert said in message


def limits(memory: str) -> dict[str, Any]:
    return {"limits": {"memory": memory, "cpu": "2"}, "requests": {"memory": "1Gi", "cpu": "1"}}


def test_limits_of_the_whole_pod_are_enough() -> None:
    spec = {"resources": limits("8Gi"), "containers": [container(None, None)]}
    assert judge([workload("Deployment", spec)]) == []
    spec["resources"] = limits("200Gi")
    assert rules(judge([workload("Deployment", spec)])) == ["memory-within-budget"]


def test_replicas_multiply() -> None:
    kind, props = workload("Deployment", {"containers": [container("80Gi")]})
    assert judge([(kind, props)]) == []
    props["spec"]["replicas"] = 2
    assert rules(judge([(kind, props)])) == ["memory-within-budget"]


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


@pytest.mark.parametrize(
    "words",
    [
        {"args": [MODEL, "--max-model-len=131072"], "image": f"vllm/vllm-openai:v0.30.0@sha256:{64 * 'a'}"},
        {"command": ["vllm", "serve", MODEL, "--max-model-len", "128K"]},
        {"command": ["sh", "-c", f"exec vllm serve {MODEL} --max-model-len 131072"]},
        {"args": ["vllm", "--model", MODEL, "--max-num-seqs=20", "--max-model-len=8192"]},
    ],
)
def test_a_context_that_overflows_the_gpu_is_refused(words: dict[str, Any]) -> None:
    ((rule, message),) = judge([workload("Deployment", {"containers": [container(gpus=1) | words]})])
    assert rule == "vram-within-gpu"
    assert "Deployment/hand: its 3" in message
    assert "rtx-5090 32Gi" in message
    assert "shorten the context" in message


def test_declared_vram_is_believed_when_it_is_more() -> None:
    spec = {"containers": [container(gpus=1)]}
    assert judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "32Gi"})]) == []
    assert rules(judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "33Gi"})])) == ["vram-within-gpu"]


def test_a_declaration_cannot_hide_what_the_flags_need() -> None:
    spec = {
        "containers": [container(gpus=1, args=["vllm", "serve", MODEL, "--max-model-len=131072", "--max-num-seqs=2"])]
    }
    assert rules(judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "1Gi"})])) == ["vram-within-gpu"]


def test_an_engines_overhead_is_what_its_pod_declares() -> None:
    changed_plan = planned("services.vllm.overhead", "1Gi")
    (line,) = [line for line in changed_plan.ledger.lines if line.name == "vllm-inference"]
    assert read(resources_of(changed_plan))["vllm-inference"].claim == line.claim


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


def test_what_was_added_by_hand_is_named_whatever_came_first(forge: list[Resource]) -> None:
    by_hand = workload("Pod", {"containers": [container(str(SPARE + GI), gpus=1)]})
    for resources in ([*forge, by_hand], [by_hand, *forge]):
        found = dict(judge(resources))
        assert found["gpu-claimed-once"].startswith("Pod/hand: claims 1 nvidia.com/gpu")
        assert found["memory-within-budget"].startswith("Pod/hand: with its memory limit of")


def test_a_list_is_looked_into() -> None:
    _, pod = workload("Pod", {"containers": [container("200Gi")]})
    for token in ("kubernetes:core/v1:PodList", "kubernetes:core/v1:List"):
        assert rules(judge([(token, {"items": [pod]})])) == ["memory-within-budget"]


def test_the_objects_of_a_group_are_resources_of_their_own() -> None:
    _, pod = workload("Pod", {"containers": [container("200Gi")]})
    group = ("kubernetes:yaml/v2:ConfigGroup", {"objs": [pod]})
    assert judge([group]) == []
    assert rules(judge([group, ("kubernetes:core/v1:Pod", pod)])) == ["memory-within-budget"]


def test_an_unknown_list_is_refused() -> None:
    found = judge([("kubernetes:core/v1:PodList", {"items": UNKNOWN_ARRAY_VALUE})])
    assert "memory-within-budget" in rules(found)


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


def test_an_autoscaler_without_a_known_most_is_refused() -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": UNKNOWN_NUMBER_VALUE}
    found = judge([workload("Deployment", {"containers": [container()]}), thing("HorizontalPodAutoscaler", spec)])
    assert "most replicas are not known" in dict(found)["memory-within-budget"]


def test_a_request_that_is_left_out_is_the_limit() -> None:
    spec = {"containers": [container(resources={"limits": {"memory": "200Gi", "cpu": "1"}})]}
    assert rules(judge([workload("Pod", spec)])) == ["memory-within-budget", "requests-within-budget"]


def test_other_resources_are_left_alone() -> None:
    assert judge([("aws:s3/bucket:Bucket", {"spec": {"containers": [container(None, None)]}})]) == []


def test_the_budget_is_the_stacks_own() -> None:
    pod = workload("Pod", {"containers": [container("100Gi")]})
    assert judge([pod], changed("node.memory", "128Gi")) == []
    assert rules(judge([pod], changed("node.memory", "64Gi"))) == ["memory-within-budget"]


def test_without_a_node_nothing_is_let_through() -> None:
    config = forge_config()
    del config["synapse:node"]
    messages = [message for _, message in judge([], config)]
    assert len(messages) == 5
    assert all("no node is described: set synapse:node" in message for message in messages)


def test_the_example_of_the_issue_reads_as_it_is_meant() -> None:
    plan = planned("services.vllm.memory.limit", "120Gi")
    (finding,) = plan.ledger.findings()
    assert finding.name == "vllm-inference"
    assert plan.ledger.capacity.memory_budget == 196 * GI * 8 // 10


def test_weights_that_an_engine_parks_must_fit_its_memory() -> None:
    words = ["vllm", "serve", MODEL, "--max-model-len=8192", "--enable-sleep-mode"]
    spec = {"containers": [container("8Gi", gpus=1, args=words)]}
    found = judge([workload("Deployment", spec)])
    assert any(rule == "memory-within-budget" and "Deployment/hand" in message for rule, message in found)
    awake = {"containers": [container("8Gi", gpus=1, args=words[:-1])]}
    assert "memory-within-budget" not in rules(judge([workload("Deployment", awake)]))


def test_a_card_that_cannot_be_read_is_no_proof() -> None:
    messages = [message for _, message in judge([], changed("models", {"mine": {"file": "/nowhere/model.gguf"}}))]
    assert any("the stack's model cards cannot be read" in message for message in messages)


@pytest.mark.parametrize(
    ("kind", "spec", "most"),
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
def test_the_pods_of_a_rollout_count(kind: str, spec: dict[str, Any], most: int) -> None:
    judged = workload(kind, {"containers": [container("1Gi", "100m")]}, replicas=4, **spec)
    enough, short = (changed("node.memory", f"{(most * 5 + 3) // 4 + less}Gi") for less in (0, -1))
    assert judge([judged], enough) == []
    assert rules(judge([judged], short)) == ["memory-within-budget"]


def test_an_autoscaled_rollout_has_more_pods_as_well() -> None:
    rolled = workload("Deployment", {"containers": [container("1Gi", "100m")]}, strategy={})
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "hand"}, "maxReplicas": 8}
    found = dict(judge([rolled, thing("HorizontalPodAutoscaler", target)], changed("node.memory", "12Gi")))
    message = found["memory-within-budget"]
    assert "Deployment/hand 8 x 1Gi + Deployment/hand (rollout) 2 x 1Gi" in message


def test_a_surge_that_is_not_known_is_no_proof() -> None:
    unknown = {"rollingUpdate": {"maxSurge": UNKNOWN_NUMBER_VALUE}}
    found = dict(judge([workload("Deployment", {"containers": [container()]}, strategy=unknown)]))
    assert "its maxSurge is not known before the update" in found["memory-within-budget"]


def test_the_pod_of_a_job_is_not_a_lasting_one() -> None:
    kinds = [workload(kind, {"containers": [container()]}, name=kind.lower()) for kind in ("Pod", "Job", "CronJob")]
    assert {name: line.is_lasting for name, line in read(kinds).items()} == {
        "pod": True,
        "job": False,
        "cronjob": False,
    }
