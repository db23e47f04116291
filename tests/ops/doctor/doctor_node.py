"""A node of the twin for the doctor, with the objects of K3s around it."""

import base64
import contextlib
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from infra.plan.stack import plan
from infra.plan.traefik import CHART_API, CHART_NAMESPACE
from ops.cluster.pod_status import is_ready
from ops.doctor.certificate import TlsSecret
from ops.doctor.checks import CHECKS
from ops.doctor.facts import read
from tests.cluster.conftest import eventually
from tests.conftest import Config, forge_config, settings_of
from tests.ops.doctor.facts import CAPACITY, HOST, LABELS, VERSION, tls_secret
from tools.twin.node import node_info

SYSTEM = "kube-system"
SECRET = "ward-tls"  # noqa: S105 - its name
TAINT = {"key": "synapse.dev/ward", "effect": "NoSchedule"}
GROUP, _, CHART_VERSION = CHART_API.partition("/")
CHART = (GROUP, CHART_VERSION, CHART_NAMESPACE, "helmchartconfigs")
Results = dict[str, tuple[str, str]]
"""Check -> state and advice."""


class DoctorNode:
    """A node of the twin with a taint, so that no other test's pods run on it, and the objects around it."""

    def __init__(self, core: Any, namespace: str) -> None:
        self.core, self.namespace, self.name = core, namespace, f"{namespace}-node"
        self.networking: Any
        self.custom: Any
        self.networking, self.custom = client.NetworkingV1Api(core.api_client), client.CustomObjectsApi(core.api_client)
        self.config: Config = forge_config()
        self.config["synapse:node"] |= {"name": self.name}
        self.config["synapse:namespace"] = namespace
        self.config["synapse:ingress"] |= {"tlsSecret": SECRET}
        self.dns, self.provisioner = f"{self.name}-dns", f"{self.name}-local-path"

    def create(self) -> None:
        metadata = {"name": self.name, "labels": LABELS, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        self.core.create_node({"metadata": metadata, "spec": {"taints": [TAINT]}})
        self.status()
        self.networking.create_ingress_class(
            {"metadata": {"name": "traefik"}, "spec": {"controller": "traefik.io/ingress-controller"}}
        )
        self.pod(SYSTEM, self.dns, {"k8s-app": "kube-dns"})
        self.pod(SYSTEM, self.provisioner, {"app": "local-path-provisioner"})
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        self.secret(tls_secret(HOST))
        eventually(lambda: self.is_ready() and self.has_pods(), "the node is not ready")

    def delete(self) -> None:
        """Delete all objects that exist."""
        made: list[tuple[Any, ...]] = [
            (self.core.delete_namespaced_pod, self.dns, SYSTEM),
            (self.core.delete_namespaced_pod, self.provisioner, SYSTEM),
            (self.core.delete_namespaced_pod, "holder", "default"),
            (self.core.delete_namespace, self.namespace),
            (self.networking.delete_ingress_class, "traefik"),
            (self.custom.delete_namespaced_custom_object, *CHART, "traefik"),
            (self.core.delete_node, self.name),
        ]
        for remove, *arguments in made:
            with contextlib.suppress(client.ApiException):
                remove(*arguments)

    def status(self, version: str = VERSION, **room: Any) -> None:
        """Set the status that its kubelet would report."""
        sizes = {**CAPACITY, **room}  # None removes a resource
        status = {"capacity": sizes, "allocatable": sizes, "nodeInfo": node_info() | {"kubeletVersion": version}}
        self.core.patch_node_status(self.name, {"status": status})

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
        """Set a value of the stack file."""
        first, last = path.split(".")
        self.config[f"synapse:{first}"] = {**self.config[f"synapse:{first}"], last: value}

    def is_ready(self) -> bool:
        conditions = self.core.read_node(self.name).status.conditions or []
        return any(each.type == "Ready" and each.status == "True" for each in conditions)

    def has_pods(self) -> bool:
        pods = [self.core.read_namespaced_pod(name, SYSTEM) for name in (self.dns, self.provisioner)]
        return all(is_ready(pod) for pod in pods)

    def secret(self, secret: TlsSecret) -> None:
        """Replace the ingress' Secret."""
        with contextlib.suppress(client.ApiException):
            self.core.delete_namespaced_secret(SECRET, self.namespace)
        data = {"tls.crt": secret.certificate, "tls.key": secret.key}
        body = {
            "metadata": {"name": SECRET},
            "type": secret.kind,
            "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
        }
        self.core.create_namespaced_secret(self.namespace, body)

    def problems(self, kubeconfig: Path) -> Results:
        """Return the checks that are not ok."""
        planned = plan(settings_of(self.config))
        facts = read(kubeconfig, planned.settings)
        listed = [finding for check in CHECKS for finding in check.results(facts, planned)]
        return {each.name: (each.state, each.do) for each in listed if each.state not in {"ok", "unknown"}}
