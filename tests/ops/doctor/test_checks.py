"""Each check finds what is wrong, says what to do, and is quiet about a node that is well."""

from typing import Any

import pytest

from infra.quantities import GI
from ops.doctor.checks import CHECKS
from ops.doctor.facts import GPU, Facts
from tests.ops.doctor.facts import CARD, LABELS, ROOM, facts, found, node, planned


def wrong(known: Facts, **changes: Any) -> list[tuple[str, str, str, str]]:
    return [
        (each.name, each.state, each.says, each.do) for each in found(known, planned(**changes)) if each.state != "ok"
    ]


def test_a_node_that_is_well_has_nothing_to_be_done() -> None:
    assert wrong(facts()) == []
    assert {each.name for each in found(facts())} == {check.name for check in CHECKS} - {"sleep mode"}
    assert all(not each.do for each in found(facts()))


WITHOUT: dict[str, str] = {key: value for key, value in ROOM.items() if key != GPU}
SHARES = [{"name": "rtx-5090", "memory": "32Gi", "shares": 6}]
SHORT = {"ports": {"websecure": {"transport": {"respondingTimeouts": {"readTimeout": "60s"}}}}}
MINE = {"helmChartConfig": False}
ILL: list[tuple[Facts, dict[str, Any], str, str, str, str]] = [
    (facts(node=None, nodes=("other",)), {}, "node", "failure", "no node forge, but other", "set synapse:node.name"),
    (
        facts(node=node(conditions={"Ready": "False"})),
        {},
        "node",
        "failure",
        "is not Ready: as told",
        "journalctl -u k3s",
    ),
    (facts(node=node(conditions={"DiskPressure": "True"})), {}, "node", "failure", "has DiskPressure", "free memory"),
    (facts(node=node(unschedulable=True)), {}, "node", "failure", "takes no pods", "kubectl uncordon forge"),
    (facts(node=node(version="v1.27.3+k3s1")), {}, "kubernetes", "failure", "v1.27.3+k3s1", "K3s v1.29 or newer"),
    (facts(node=node(version="v1.34.2")), {}, "kubernetes", "warning", "is not a K3s", "bring what K3s would"),
    (
        facts(node=node(room=ROOM | {"memory": f"{182 * GI}"})),
        {},
        "size",
        "failure",
        "182Gi of memory, where the stack file says 196Gi",
        "synapse:node.memory to at most 182Gi",
    ),
    (
        facts(node=node(room=ROOM | {"cpu": "32"})),
        {},
        "size",
        "failure",
        "32 cores",
        "set synapse:node.cpus to at most 32",
    ),
    (
        facts(node=node(room=ROOM | {"ephemeral-storage": "100Gi"})),
        {},
        "disk",
        "failure",
        "a disk of 100Gi",
        "make `disk` of the services smaller",
    ),
    (facts(runtime_classes={}), {}, "runtime class", "failure", "no RuntimeClass nvidia", "NVIDIA container toolkit"),
    (facts(runtime_classes={"nvidia": "runc"}), {}, "runtime class", "warning", "has the handler runc", "is NVIDIA's"),
    (facts(node=node(room=WITHOUT)), {}, "GPUs", "failure", f"offers no {GPU}", "set synapse:node.devicePlugin: true"),
    (
        facts(node=node(room=ROOM | {GPU: "2"}, labels={"nvidia.com/cuda.driver.major": "580"})),
        {},
        "GPUs",
        "failure",
        "offers 2",
        "correct synapse:node.gpus",
    ),
    (
        facts(),
        {"node": {"gpus": SHARES}},
        "time-slicing",
        "failure",
        "shared by 1 pods, and the stack file says 6",
        "`replicas: 6`",
    ),
    (
        facts(cards=None, node=node(labels=LABELS | {"nvidia.com/cuda.driver-version.major": "550"})),
        {},
        "driver",
        "failure",
        "driver 550: vllm-inference needs 580, a card of blackwell needs 570",
        "install driver 580",
    ),
    (
        facts(cards=None, node=node(labels={})),
        {},
        "driver",
        "unknown",
        "no label says which driver",
        "it must be 580 or newer",
    ),
    (
        facts(cards=None, node=node(labels=LABELS | {"nvidia.com/gpu.memory": "16303"})),
        {},
        "GPU memory",
        "failure",
        "a card has 15.92Gi, and the stack file says 32Gi",
        "gpus[].memory to 15.92Gi",
    ),
    (facts(cards=None), {}, "GPU free", "unknown", "nobody has looked: run `synapse doctor --probe`", "`nvidia-smi`"),
    (
        facts(gpu_holders={"jarvis-cortex/ollama-0": 1}),
        {},
        "GPU free",
        "failure",
        "jarvis-cortex/ollama-0 claims 1",
        "`synapse migrate`",
    ),
    (
        facts(cards=(CARD.__class__(**vars(CARD) | {"free": 10 * GI}),)),
        {},
        "GPU free",
        "failure",
        "10Gi are free on the cards, and the engines take 26.96Gi",
        "which program holds the rest",
    ),
    (
        facts(),
        {"services": {"vllm": {"sleep": True, "memory": {"request": "32Gi", "limit": "48Gi"}}}},
        "sleep mode",
        "warning",
        "vllm-inference may sleep, on a card of blackwell",
        "set `sleep: false`",
    ),
    (facts(storage_classes={"ceph": "c"}), {}, "storage class", "failure", "but ceph", "set synapse:node.storageClass"),
    (
        facts(storage_classes={}),
        {},
        "storage class",
        "failure",
        "local-path, nor any other",
        "synapse:node.storageClass",
    ),
    (facts(dns_pods=()), {}, "DNS", "failure", "it has no pod", "k8s-app=kube-dns"),
    (facts(dns_pods=(False,)), {}, "DNS", "failure", "none of its 1 pods is ready", "k8s-app=kube-dns"),
    (
        facts(ingress_classes=("nginx",)),
        {},
        "ingress class",
        "failure",
        "no IngressClass traefik, but nginx",
        "className",
    ),
    (facts(), {"ingress": MINE}, "Traefik timeouts", "warning", "ends an upload after 60 s", "helmChartConfig: true"),
    (
        facts(traefik=SHORT),
        {"ingress": MINE},
        "Traefik timeouts",
        "failure",
        "readTimeout: 60s, and the gateway takes up to 600 s",
        "docs/timeouts.md",
    ),
]


@pytest.mark.parametrize(
    ("known", "changes", "name", "state", "says", "do"), ILL, ids=[f"{row[2]}: {row[4]}" for row in ILL]
)
def test_what_is_wrong_is_found_and_nothing_else(
    known: Facts, changes: dict[str, Any], name: str, state: str, says: str, do: str
) -> None:
    listed = [each for each in wrong(known, **changes) if each[0] == name]
    assert [each[:2] for each in listed] == [(name, state)]
    assert says in listed[0][2]
    assert do in listed[0][3]


def test_a_stack_without_cards_is_not_asked_for_any() -> None:
    known = facts(node=node(room=WITHOUT, labels={}), runtime_classes={}, cards=None)
    stack = planned(node={"gpus": []}, phase=1)
    assert {each.name for each in found(known, stack)} == {check.name for check in CHECKS if check.of != "gpu"}


def test_a_plugin_that_is_to_come_is_not_missed() -> None:
    assert wrong(facts(node=node(room=WITHOUT)), node={"devicePlugin": True}) == []


def test_claims_that_are_there_need_no_room() -> None:
    small = node(room=ROOM | {"ephemeral-storage": "150Gi"})
    made = frozenset({"ollama-models", "vllm-model-cache"})
    assert wrong(facts(node=small, claims=made)) == []


def test_limits_that_leave_requests_their_time_are_well() -> None:
    long = {"ports": {"websecure": {"transport": {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "20m"}}}}}
    assert wrong(facts(traefik=long), ingress=MINE) == []
