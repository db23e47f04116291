"""The doctor's rounds on the twin: a node that is well, and nodes that are not, as their API server tells of them."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from infra.plan.stack import plan
from infra.plan.traefik import CHART_API, CHART_NAMESPACE
from infra.quantities import GI
from ops.doctor.checks import CHECKS
from ops.doctor.facts import GPU, read
from ops.doctor.probe import ProbeError, probe
from tests.cli.test_commands import project as written
from tests.cli.test_commands import synapse
from tests.cluster.conftest import eventually
from tests.conftest import Config, forge_config, settings_of
from tests.ops.doctor.facts import CAPACITY, LABELS, VERSION
from tools.twin.node import node_info

pytestmark = pytest.mark.engine

SYSTEM = "kube-system"
TAINT = {"key": "synapse.dev/ward", "effect": "NoSchedule"}
GROUP, _, CHART_VERSION = CHART_API.partition("/")
CHART = (GROUP, CHART_VERSION, CHART_NAMESPACE, "helmchartconfigs")
Found = dict[str, tuple[str, str]]
"""Check -> how it is, and what to do."""


@pytest.fixture
def ward(core: Any, namespace: str) -> Iterator["Ward"]:
    """A node that is well, and what K3s brings."""
    found = Ward(core, namespace)
    try:
        found.admit()
        yield found
    finally:
        found.discharge()


class Ward:
    """One node of the twin that no other test's pods land on, and the objects around it."""

    def __init__(self, core: Any, namespace: str) -> None:
        self.core, self.name = core, f"{namespace}-node"
        self.networking: Any
        self.custom: Any
        self.networking, self.custom = client.NetworkingV1Api(core.api_client), client.CustomObjectsApi(core.api_client)
        self.config: Config = forge_config()
        self.config["synapse:node"] |= {"name": self.name}
        self.config["synapse:namespace"] = namespace
        self.dns = f"{self.name}-dns"

    def admit(self) -> None:
        metadata = {"name": self.name, "labels": LABELS, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        self.core.create_node({"metadata": metadata, "spec": {"taints": [TAINT]}})
        self.status()
        self.networking.create_ingress_class(
            {"metadata": {"name": "traefik"}, "spec": {"controller": "traefik.io/ingress-controller"}}
        )
        self.pod(SYSTEM, self.dns, {"k8s-app": "kube-dns"})
        eventually(lambda: self.is_ready() and self.has_names(), "the node is not ready")

    def discharge(self) -> None:
        """Everything of it; nothing is missed that was never there."""
        made: list[tuple[Any, ...]] = [
            (self.core.delete_namespaced_pod, self.dns, SYSTEM),
            (self.core.delete_namespaced_pod, "holder", "default"),
            (self.networking.delete_ingress_class, "traefik"),
            (self.custom.delete_namespaced_custom_object, *CHART, "traefik"),
            (self.core.delete_node, self.name),
        ]
        for delete, *arguments in made:
            with contextlib.suppress(client.ApiException):
                delete(*arguments)

    def status(self, version: str = VERSION, **room: Any) -> None:
        """What its kubelet says."""
        sizes = {**CAPACITY, **room}  # what is None is taken away
        wanted = {"capacity": sizes, "allocatable": sizes, "nodeInfo": node_info() | {"kubeletVersion": version}}
        self.core.patch_node_status(self.name, {"status": wanted})

    def label(self, **labels: str | None) -> None:
        self.core.patch_node(self.name, {"metadata": {"labels": labels}})

    def pod(self, namespace: str, name: str, labels: dict[str, str], **limits: str) -> None:
        container = {"name": "it", "image": "example.test/it:1", "resources": {"limits": limits}}
        spec = {"nodeName": self.name, "containers": [container], "tolerations": [{"operator": "Exists"}]}
        self.core.create_namespaced_pod(namespace, {"metadata": {"name": name, "labels": labels}, "spec": spec})

    def chart(self, read_timeout: str) -> None:
        timeouts = {"transport": {"respondingTimeouts": {"readTimeout": read_timeout}}}
        values = yaml.safe_dump({"ports": {"websecure": timeouts}})
        metadata = {"name": "traefik", "namespace": CHART_NAMESPACE}
        body = {
            "apiVersion": CHART_API,
            "kind": "HelmChartConfig",
            "metadata": metadata,
            "spec": {"valuesContent": values},
        }
        self.custom.create_namespaced_custom_object(*CHART, body)

    def set(self, path: str, value: object) -> None:
        """A value of the stack file."""
        first, last = path.split(".")
        self.config[f"synapse:{first}"] = {**self.config[f"synapse:{first}"], last: value}

    def is_ready(self) -> bool:
        conditions = self.core.read_node(self.name).status.conditions or []
        return any(each.type == "Ready" and each.status == "True" for each in conditions)

    def has_names(self) -> bool:
        conditions = self.core.read_namespaced_pod(self.dns, SYSTEM).status.conditions or []
        return any(each.type == "Ready" and each.status == "True" for each in conditions)

    def found(self, kubeconfig: Path) -> Found:
        """Everything that is not well."""
        planned = plan(settings_of(self.config))
        known = read(kubeconfig, planned.settings)
        listed = [finding for check in CHECKS for finding in check.results(known, planned)]
        return {each.name: (each.state, each.do) for each in listed if each.state not in {"ok", "unknown"}}


def test_a_node_that_is_well(ward: Ward, kubeconfig: Path, tmp_path: Path) -> None:
    assert ward.found(kubeconfig) == {}
    where = ("--stack", "mine", "--kubeconfig", str(kubeconfig))
    folder = written(tmp_path, ward.config)
    done = synapse(folder, "doctor", *where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"K3s {VERSION}" in done.stdout
    assert "run `synapse doctor --probe`" in done.stdout
    assert synapse(folder, "doctor", *where, "--strict").returncode == 1  # no probe has read the GPU


def shared(ward: Ward) -> None:
    ward.status(**{GPU: "4"})
    ward.label(**{"nvidia.com/gpu.replicas": "4"})


def in_a_hurry(ward: Ward) -> None:
    ward.set("ingress.helmChartConfig", False)
    ward.chart("60s")


ILL: dict[str, tuple[Callable[[Ward], None], str, str, str]] = {
    "another name": (lambda ward: ward.set("node.name", "forge-two"), "node", "failure", "set synapse:node.name"),
    "cordoned": (
        lambda ward: ward.core.patch_node(ward.name, {"spec": {"unschedulable": True}}),
        "node",
        "failure",
        "kubectl uncordon",
    ),
    "old": (lambda ward: ward.status("v1.26.9+k3s1"), "kubernetes", "failure", "K3s v1.29 or newer"),
    "small": (
        lambda ward: ward.status(memory=f"{182 * GI}"),
        "size",
        "failure",
        "synapse:node.memory to at most 182Gi",
    ),
    "little disk": (lambda ward: ward.status(**{"ephemeral-storage": "50Gi"}), "disk", "failure", "make `disk`"),
    "no runtime": (
        lambda ward: ward.set("node.runtimeClass", "none-such"),
        "runtime class",
        "failure",
        "container toolkit",
    ),
    "no card": (lambda ward: ward.status(VERSION, **{GPU: None}), "GPUs", "failure", "synapse:node.devicePlugin: true"),
    "shared": (
        shared,
        "time-slicing",
        "failure",
        "`replicas: 1`",
    ),
    "old driver": (
        lambda ward: ward.label(**{"nvidia.com/cuda.driver-version.major": "570"}),
        "driver",
        "failure",
        "install driver 580 or newer",
    ),
    "small card": (
        lambda ward: ward.label(**{"nvidia.com/gpu.memory": "16303"}),
        "GPU memory",
        "failure",
        "gpus[].memory to 15.92Gi",
    ),
    "held": (
        lambda ward: ward.pod("default", "holder", {}, **{GPU: "1"}),
        "GPU free",
        "failure",
        "scale it to 0",
    ),
    "sleepy": (
        lambda ward: ward.set("services.vllm", {"sleep": True, "memory": {"request": "32Gi", "limit": "48Gi"}}),
        "sleep mode",
        "warning",
        "`sleep: false`",
    ),
    "no disks": (
        lambda ward: ward.set("node.storageClass", "none-such"),
        "storage class",
        "failure",
        "to one that is there",
    ),
    "no names": (
        lambda ward: ward.core.delete_namespaced_pod(ward.dns, SYSTEM, grace_period_seconds=0),
        "DNS",
        "failure",
        "k8s-app=kube-dns",
    ),
    "in a hurry": (
        in_a_hurry,
        "Traefik timeouts",
        "failure",
        "helmChartConfig: true",
    ),
}


@pytest.mark.parametrize("illness", ILL)
def test_a_node_that_is_ill(ward: Ward, kubeconfig: Path, illness: str) -> None:
    make, name, state, do = ILL[illness]
    make(ward)
    found = ward.found(kubeconfig)
    assert found.keys() == {name}
    assert found[name][0] == state
    assert do in found[name][1]


def test_scripts_get_a_document_and_an_exit_code(ward: Ward, kubeconfig: Path, tmp_path: Path) -> None:
    ward.status("v1.26.9+k3s1")
    done = synapse(
        written(tmp_path, ward.config), "doctor", "--stack", "mine", "--kubeconfig", str(kubeconfig), "--json"
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["node"], document["passed"]) == (ward.name, False)
    (kubernetes,) = [each for each in document["findings"] if each["check"] == "kubernetes"]
    assert kubernetes["state"] == "failure"
    assert "K3s v1.29" in kubernetes["do"]


def test_a_probe_that_does_not_end_is_no_answer_and_leaves_nothing(ward: Ward) -> None:
    """A simulated pod runs for ever."""
    with pytest.raises(ProbeError, match="has not ended after 2 s"):
        probe(ward.core, settings_of(ward.config).node, 2)
    eventually(lambda: not probes(ward), "the pod is still there")


def test_a_probe_that_is_refused_is_no_answer(ward: Ward) -> None:
    ward.set("node.runtimeClass", "none-such")
    with pytest.raises(ProbeError, match="the API server refuses the probe's pod: 403"):
        probe(ward.core, settings_of(ward.config).node, 2)
    assert not probes(ward)


def probes(ward: Ward) -> list[str]:
    listed = ward.core.list_namespaced_pod("default", label_selector="app.kubernetes.io/name=synapse-doctor").items
    return [pod.metadata.name for pod in listed]
