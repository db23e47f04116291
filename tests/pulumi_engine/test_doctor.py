"""`synapse doctor` on a twin: a healthy node, and nodes with one fault each."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.quantities import GI
from ops.doctor.facts import GPU
from ops.doctor.probe import ProbeError, probe
from tests.cli.test_commands import project as written
from tests.cli.test_commands import synapse
from tests.cluster.conftest import eventually
from tests.conftest import settings_of
from tests.ops.doctor.doctor_node import SECRET, SYSTEM, DoctorNode
from tests.ops.doctor.facts import HOST, VERSION, tls_secret

pytestmark = pytest.mark.engine


@pytest.fixture
def node(core: Any, namespace: str) -> Iterator[DoctorNode]:
    """A healthy node with the objects of K3s."""
    node = DoctorNode(core, namespace)
    try:
        node.create()
        yield node
    finally:
        node.delete()


def test_a_healthy_node(node: DoctorNode, kubeconfig: Path, tmp_path: Path) -> None:
    assert node.problems(kubeconfig) == {}
    where = ("--stack", "mine", "--kubeconfig", str(kubeconfig))
    folder = written(tmp_path, node.config)
    done = synapse(folder, "doctor", *where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"K3s {VERSION}" in done.stdout
    assert "run `synapse doctor --probe`" in done.stdout
    assert synapse(folder, "doctor", *where, "--strict").returncode == 1  # no probe has read the GPU


def shared(node: DoctorNode) -> None:
    node.status(**{GPU: "4"})
    node.label(**{"nvidia.com/gpu.replicas": "4"})


def without_provisioner(node: DoctorNode) -> None:
    node.core.delete_namespaced_pod(node.provisioner, SYSTEM, grace_period_seconds=0)


def short_timeout(node: DoctorNode) -> None:
    node.set("ingress.helmChartConfig", False)
    node.chart("60s")


FAULTS: dict[str, tuple[Callable[[DoctorNode], None], str, str, str]] = {
    "another name": (lambda node: node.set("node.name", "forge-two"), "node", "failure", "set synapse:node.name"),
    "cordoned": (
        lambda node: node.core.patch_node(node.name, {"spec": {"unschedulable": True}}),
        "node",
        "failure",
        "kubectl uncordon",
    ),
    "old": (lambda node: node.status("v1.26.9+k3s1"), "kubernetes", "failure", "K3s v1.29 or newer"),
    "small": (
        lambda node: node.status(memory=f"{182 * GI}"),
        "size",
        "failure",
        "synapse:node.memory to at most 182Gi",
    ),
    "little disk": (lambda node: node.status(**{"ephemeral-storage": "50Gi"}), "disk", "failure", "make `disk`"),
    "no runtime": (
        lambda node: node.set("node.runtimeClass", "none-such"),
        "runtime class",
        "failure",
        "container toolkit",
    ),
    "no GPU": (lambda node: node.status(VERSION, **{GPU: None}), "GPUs", "failure", "synapse:node.devicePlugin: true"),
    "shared": (
        shared,
        "time-slicing",
        "failure",
        "`replicas: 1`",
    ),
    "old driver": (
        lambda node: node.label(**{"nvidia.com/cuda.driver-version.major": "570"}),
        "driver",
        "failure",
        "install driver 580 or newer",
    ),
    "small GPU": (
        lambda node: node.label(**{"nvidia.com/gpu.memory": "16303"}),
        "GPU memory",
        "failure",
        "gpus[].memory to 15.92Gi",
    ),
    "held": (
        lambda node: node.pod("default", "holder", {}, **{GPU: "1"}),
        "GPU free",
        "failure",
        "scale it to 0",
    ),
    "sleep mode": (
        lambda node: node.set("services.vllm", {"sleep": True, "memory": {"request": "32Gi", "limit": "48Gi"}}),
        "sleep mode",
        "warning",
        "`sleep: false`",
    ),
    "no storage class": (
        lambda node: node.set("node.storageClass", "none-such"),
        "storage class",
        "failure",
        "to an existing one",
    ),
    "no DNS": (
        lambda node: node.core.delete_namespaced_pod(node.dns, SYSTEM, grace_period_seconds=0),
        "DNS",
        "failure",
        "k8s-app=kube-dns",
    ),
    "no provisioner": (without_provisioner, "storage class", "failure", "app=local-path-provisioner"),
    "old chart": (lambda node: node.status("v1.31.9+k3s1"), "kubernetes", "failure", "K3s v1.32 or newer"),
    "no certificate": (
        lambda node: node.core.delete_namespaced_secret(SECRET, node.namespace),
        "certificate",
        "failure",
        f"create secret tls {SECRET}",
    ),
    "opaque certificate": (
        lambda node: node.secret(tls_secret(HOST, kind="Opaque")),
        "certificate",
        "failure",
        f"delete secret {SECRET}",
    ),
    "another's certificate": (
        lambda node: node.secret(tls_secret("other.example")),
        "certificate",
        "failure",
        "for the host",
    ),
    "old certificate": (
        lambda node: node.secret(tls_secret(HOST, days=-1)),
        "certificate",
        "failure",
        "docs/ingress.md",
    ),
    "short timeout": (
        short_timeout,
        "Traefik timeouts",
        "failure",
        "helmChartConfig: true",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_with_a_fault(node: DoctorNode, kubeconfig: Path, fault: str) -> None:
    make, name, state, do = FAULTS[fault]
    make(node)
    problems = node.problems(kubeconfig)
    assert problems.keys() == {name}
    assert problems[name][0] == state
    assert do in problems[name][1]


def test_scripts_get_a_document_and_an_exit_code(node: DoctorNode, kubeconfig: Path, tmp_path: Path) -> None:
    node.status("v1.26.9+k3s1")
    done = synapse(
        written(tmp_path, node.config), "doctor", "--stack", "mine", "--kubeconfig", str(kubeconfig), "--json"
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["node"], document["passed"]) == (node.name, False)
    (kubernetes,) = [each for each in document["findings"] if each["check"] == "kubernetes"]
    assert kubernetes["state"] == "failure"
    assert "K3s v1.29" in kubernetes["do"]


def test_a_probe_that_does_not_end_is_an_error_and_leaves_nothing(node: DoctorNode) -> None:
    """A simulated pod never ends."""
    with pytest.raises(ProbeError, match="has not ended after 2 s"):
        probe(node.core, settings_of(node.config).node, 2)
    eventually(lambda: not probes(node), "the pod is still there")


def test_a_refused_probe_is_an_error(node: DoctorNode) -> None:
    node.set("node.runtimeClass", "none-such")
    with pytest.raises(ProbeError, match="the API server refuses the probe's pod: 403"):
        probe(node.core, settings_of(node.config).node, 2)
    assert not probes(node)


def probes(node: DoctorNode) -> list[str]:
    listed = node.core.list_namespaced_pod("default", label_selector="app.kubernetes.io/name=synapse-doctor").items
    return [pod.metadata.name for pod in listed]
