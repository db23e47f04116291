"""Each check reports its fault and what to do about it, and passes on a healthy node."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import V1ContainerImage

from infra.quantities import GI
from infra.settings.loader import load
from ops.doctor.checks import CHECKS
from ops.doctor.diagnosis import node_plan
from ops.doctor.facts import GPU, NodeFacts
from tests.ops.doctor.facts import CAPACITY, LABELS, READING, facts, faults, node, planned, results


def test_a_healthy_node_has_no_faults() -> None:
    assert faults(facts()) == []
    assert {each.name for each in results(facts())} == {check.name for check in CHECKS} - {"sleep mode"}
    assert all(not each.do for each in results(facts()))


WITHOUT: dict[str, str] = {key: value for key, value in CAPACITY.items() if key != GPU}
SHARES = [{"name": "rtx-5090", "memory": "32Gi", "shares": 6}]
SHORT = {"ports": {"websecure": {"transport": {"respondingTimeouts": {"readTimeout": "60s"}}}}}
OWN_CHART_CONFIG = {"helmChartConfig": False}
FAULTY: list[tuple[NodeFacts, dict[str, Any], str, str, str, str]] = [
    (facts(node=None, nodes=("other",)), {}, "node", "failure", "no node forge, but other", "set synapse:node.name"),
    (
        facts(node=node(conditions={"Ready": "False"})),
        {},
        "node",
        "failure",
        "is not Ready: as reported",
        "journalctl -u k3s",
    ),
    (facts(node=node(conditions={"DiskPressure": "True"})), {}, "node", "failure", "has DiskPressure", "free memory"),
    (facts(node=node(unschedulable=True)), {}, "node", "failure", "accepts no pods", "kubectl uncordon forge"),
    (facts(node=node(version="v1.27.3+k3s1")), {}, "kubernetes", "failure", "v1.27.3+k3s1", "K3s v1.29 or newer"),
    (facts(node=node(version="v1.31.9+k3s1")), {}, "kubernetes", "failure", "does not know the values", "K3s v1.32"),
    (facts(node=node(version="v1.34.2")), {}, "kubernetes", "warning", "is not a K3s", "install what K3s includes"),
    (
        facts(node=node(capacity=CAPACITY | {"memory": f"{182 * GI}"})),
        {},
        "size",
        "failure",
        "182Gi of memory, where the stack file says 196Gi",
        "synapse:node.memory to at most 182Gi",
    ),
    (
        facts(node=node(capacity=CAPACITY | {"cpu": "32"})),
        {},
        "size",
        "failure",
        "32 cores",
        "set synapse:node.cpus to at most 32",
    ),
    (
        facts(node=node(capacity=CAPACITY | {"ephemeral-storage": "100Gi"})),
        {},
        "disk",
        "failure",
        "a disk of 100Gi",
        "make `disk` of the services smaller",
    ),
    (facts(runtime_classes={}), {}, "runtime class", "failure", "no RuntimeClass nvidia", "NVIDIA container toolkit"),
    (facts(runtime_classes={"nvidia": "runc"}), {}, "runtime class", "warning", "has the handler runc", "is NVIDIA's"),
    (
        facts(node=node(capacity=WITHOUT)),
        {},
        "GPUs",
        "failure",
        f"offers no {GPU}",
        "set synapse:node.devicePlugin: true",
    ),
    (
        facts(node=node(capacity=CAPACITY | {GPU: "2"}, labels={"nvidia.com/cuda.driver.major": "580"})),
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
        facts(gpus=None, node=node(labels=LABELS | {"nvidia.com/cuda.driver-version.major": "550"})),
        {},
        "driver",
        "failure",
        "driver 550: vllm-inference needs 580, a GPU of blackwell needs 570",
        "install driver 580",
    ),
    (
        facts(gpus=None, node=node(labels={})),
        {},
        "driver",
        "unknown",
        "no label has the version of the driver",
        "it must be 580 or newer",
    ),
    (
        facts(gpus=None, node=node(labels=LABELS | {"nvidia.com/gpu.memory": "16303"})),
        {},
        "GPU memory",
        "failure",
        "a GPU has 15.92Gi, and the stack file says 31.36Gi",
        "gpus[].memory to 15.92Gi",
    ),
    (
        facts(gpus=(replace(READING, name="NVIDIA GeForce RTX 4090"),)),
        {},
        "GPU card",
        "failure",
        "the node has a NVIDIA GeForce RTX 4090, and the stack file says rtx-5090",
        "gpus[].card to rtx-4090",
    ),
    (
        facts(gpus=None, node=node(labels=LABELS | {"nvidia.com/gpu.product": "NVIDIA-RTX-A6000"})),
        {},
        "GPU card",
        "failure",
        "the node has a NVIDIA-RTX-A6000",
        "gpus[].card to rtx-a6000",
    ),
    (facts(gpus=None), {}, "GPU free", "unknown", "not probed: run `synapse doctor --probe`", "`nvidia-smi`"),
    (
        facts(gpu_holders={"jarvis-cortex/ollama-0": 1}),
        {},
        "GPU free",
        "failure",
        "jarvis-cortex/ollama-0 claims 1",
        "`synapse migrate`",
    ),
    (
        facts(gpus=(replace(READING, free=10 * GI),)),
        {},
        "GPU free",
        "failure",
        "10Gi are free on the GPUs, and the engines take 26.91Gi",
        "which program uses the rest",
    ),
    (
        facts(),
        {"services": {"vllm": {"sleep": True, "memory": {"request": "32Gi", "limit": "48Gi"}}}},
        "sleep mode",
        "warning",
        "vllm-inference may sleep, on a GPU of blackwell",
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
    (facts(provisioners={}), {}, "storage class", "failure", "does not run: it has no pod", "local-storage"),
    (
        facts(provisioners={"a": False, "b": False}),
        {},
        "storage class",
        "failure",
        "none of its 2 pods is ready",
        "app=local-path-provisioner",
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
    (
        facts(),
        {"ingress": OWN_CHART_CONFIG},
        "Traefik timeouts",
        "warning",
        "ends an upload after 60 s",
        "helmChartConfig: true",
    ),
    (
        facts(traefik=SHORT),
        {"ingress": OWN_CHART_CONFIG},
        "Traefik timeouts",
        "failure",
        "readTimeout: 60s, and the gateway takes up to 600 s",
        "docs/timeouts.md",
    ),
    (facts(disk_free=50 * GI), {}, "first start", "failure", "50Gi of the disk are free", "deploy fewer services"),
    (
        facts(disk_free=None, no_disk_reading="403 Forbidden"),
        {},
        "first start",
        "unknown",
        "free disk: 403 Forbidden",
        "`df -h` on the node",
    ),
    (facts(registries=None), {}, "registry", "unknown", "not probed", "`synapse doctor --probe`"),
]


@pytest.mark.parametrize(
    ("node_facts", "changes", "name", "state", "says", "do"), FAULTY, ids=[f"{row[2]}: {row[4]}" for row in FAULTY]
)
def test_a_fault_is_reported_once_by_its_check(
    node_facts: NodeFacts, changes: dict[str, Any], name: str, state: str, says: str, do: str
) -> None:
    listed = [each for each in faults(node_facts, **changes) if each[0] == name]
    assert [each[:2] for each in listed] == [(name, state)]
    assert says in listed[0][2]
    assert do in listed[0][3]


def test_an_old_chart_is_no_fault_where_the_stack_sets_no_values() -> None:
    old = facts(node=node(version="v1.31.9+k3s1"))
    assert "kubernetes" not in {name for name, *_ in faults(old, ingress=OWN_CHART_CONFIG)}


def test_the_time_of_the_first_start_is_said_for_a_line() -> None:
    (start,) = [each.says for each in results(facts(line=100_000_000)) if each.name == "first start"]
    assert " min at 100Mbit" in start


def test_images_and_claims_that_are_there_are_not_downloaded() -> None:
    stack = planned()
    machine = node()
    assert machine.status
    machine.status.images = [V1ContainerImage(names=[each.image]) for each in stack.services]
    claims = frozenset(volume.name for each in stack.services for volume in each.volumes)
    (start,) = [
        each for each in results(facts(node=machine, claims=claims, disk_free=0), stack) if each.name == "first start"
    ]
    assert (start.state, start.says.partition(",")[0]) == ("ok", "nothing is downloaded")


def test_the_node_of_a_private_cluster_has_the_name_of_its_stack() -> None:
    settings = load("local")
    assert node_plan(settings, "mine", None).settings.node.name == "mine"
    assert node_plan(settings, "mine", Path("kubeconfig")).settings.node.name == settings.node.name
    assert node_plan(load("forge"), "mine", None).settings.node.name == "forge"


def test_a_stack_without_gpus_gets_no_gpu_checks() -> None:
    node_facts = facts(node=node(capacity=WITHOUT, labels={}), runtime_classes={}, gpus=None)
    stack = planned(node={"gpus": []}, phase=1)
    assert {each.name for each in results(node_facts, stack)} == {
        check.name for check in CHECKS if check.scope != "gpu"
    }


def test_a_device_plugin_of_a_later_phase_is_not_missing() -> None:
    assert faults(facts(node=node(capacity=WITHOUT)), node={"devicePlugin": True}) == []


def test_existing_claims_need_no_space() -> None:
    small = node(capacity=CAPACITY | {"ephemeral-storage": "150Gi"})
    made = frozenset({"ollama-models", "vllm-model-cache"})
    assert faults(facts(node=small, claims=made)) == []


def test_timeouts_as_long_as_the_gateways_pass() -> None:
    long = {"ports": {"websecure": {"transport": {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "20m"}}}}}
    assert faults(facts(traefik=long), ingress=OWN_CHART_CONFIG) == []
