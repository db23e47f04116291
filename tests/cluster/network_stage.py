"""A stack's network policies on a cluster, with probe pods instead of its services and its neighbours."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kubernetes.utils import create_from_dict

from infra.plan import device_plugin
from infra.plan.egress_rules import HTTPS, egress_rules
from infra.plan.ingress_rules import ingress_rules
from infra.plan.stack import Plan
from stacks.rendering import manifests
from tests.cluster.matrix import Address, Cell, Endpoint, matrix
from tests.cluster.probe_pods import ProbePods
from tools.cluster.images import DNS
from tools.cluster.manifests import DNS_PORT, SYSTEM
from tools.node.layout import ADDRESS, API_PORT, DNS_SERVICE, KUBELET_PORT, KUBERNETES_SERVICE

PUBLIC = "203.0.113.7"
"""An internet address (RFC 5737) that the node has on loopback."""
WEBHOOK_PORT = 8088
PUBLIC_PORTS = (80, HTTPS, WEBHOOK_PORT)
ANY_PORTS = (DNS_PORT, 80, HTTPS, API_PORT, WEBHOOK_PORT)
SETTLE_S, POLL_S = 3.0, 0.2
Manifest = dict[str, Any]


@dataclass(frozen=True)
class NetworkStage:
    """Policies and probe pods of the stack *plan* in its namespace; *elsewhere* is another namespace."""

    plan: Plan
    probes: ProbePods
    elsewhere: str

    @property
    def namespace(self) -> str:
        return self.plan.settings.namespace

    @cached_property
    def objects(self) -> list[Manifest]:
        return manifests(self.plan)

    @cached_property
    def policies(self) -> dict[str, Manifest]:
        return {item["metadata"]["name"]: item for item in self.objects if item["kind"] == "NetworkPolicy"}

    @cached_property
    def pods(self) -> dict[str, Endpoint]:
        """Every probe pod: those of the stack's services, and others."""
        return {endpoint.name: endpoint for endpoint in (*self._services(), *self._others())}

    def build(self) -> None:
        """Apply everything and wait until it is ready; the policies come first, as when a stack grows."""
        for item in self.objects:
            if item["kind"] in {"NetworkPolicy", "Service"}:
                create_from_dict(self.probes.api, item)  # type: ignore[no-untyped-call]
        templates = {item["metadata"]["name"]: item for item in self.objects if "template" in item.get("spec", {})}
        for endpoint in self.pods.values():
            self._run(endpoint, templates)
        self.probes.wait()

    def mismatches(self, within_s: float = SETTLE_S) -> list[str]:
        """Return every mismatch with the plan. A connection that should be open is retried for *within_s*."""
        end = time.monotonic() + within_s
        cells = [*matrix([*self.pods.values()], self.addresses)]
        assert {cell.is_open for cell in cells} == {True, False}
        wrong = self._differing(cells)
        while (slow := [cell for cell, _ in wrong if cell.is_open]) and time.monotonic() < end:
            time.sleep(POLL_S)
            wrong = [*((cell, state) for cell, state in wrong if not cell.is_open), *self._differing(slow)]
        return sorted(cell.mismatch(state) for cell, state in wrong)

    @cached_property
    def addresses(self) -> list[Address]:
        """Return every pod at every port of the stack, every Service, and system addresses."""
        return [*self._of_pods(), *self._of_services(), *self._of_system()]

    def _differing(self, cells: Sequence[Cell]) -> list[tuple[Cell, str]]:
        by_source = {name: [cell for cell in cells if cell.source.name == name] for name in self.pods}
        with ThreadPoolExecutor(len(by_source)) as pool:
            results = pool.map(self._try, by_source, by_source.values())
        return [(cell, state) for pairs in results for cell, state in pairs if not cell.matches(state)]

    def _try(self, name: str, cells: Sequence[Cell]) -> list[tuple[Cell, str]]:
        if not cells:
            return []
        states = self.probes.connect(self.pods[name].namespace, name, {cell.address.target for cell in cells})
        return [(cell, states[cell.address.target]) for cell in cells]

    # Endpoints

    def _services(self) -> Iterator[Endpoint]:
        """Yield a pod of each service, or two where it has several replicas."""
        listed = ingress_rules(self.plan.services)
        egress = {each.name: each for each in egress_rules(self.plan, listed)}
        for each in listed:
            name = each.service.service_name
            endpoint = Endpoint(name=name, namespace=self.namespace, access=each, exits=egress[name])
            yield endpoint
            if each.service.replicas > 1:
                yield replace(endpoint, name=f"{name}-2")

    def _others(self) -> Iterator[Endpoint]:
        yield Endpoint(name="stranger", namespace=self.namespace, is_shut=True)
        yield Endpoint(name="neighbour", namespace=self.elsewhere)
        yield Endpoint(name=f"{self.namespace}-system", namespace=SYSTEM)
        if device_plugin.is_deployed(self.plan.settings.node, self.plan.settings.phase):
            yield Endpoint(name=device_plugin.NAME, namespace=SYSTEM, is_shut=True)

    def _run(self, endpoint: Endpoint, templates: dict[str, Manifest]) -> None:
        workload = endpoint.access.service.service_name if endpoint.access else endpoint.name
        labels, port = {}, min(self._ports)
        if workload in templates:
            template = templates[workload]["spec"]["template"]
            labels = template["metadata"]["labels"]
            if endpoint.access:
                (port,) = [each["containerPort"] for each in template["spec"]["containers"][0]["ports"]]
        self.probes.run(endpoint.namespace, endpoint.name, self._ports, labels, port)

    @property
    def _ports(self) -> set[int]:
        return {*ANY_PORTS, *(service.backend.container_port for service in self.plan.services)}

    # Addresses

    def _of_pods(self) -> Iterator[Address]:
        for endpoint in self.pods.values():
            host = self.probes.address(endpoint.namespace, endpoint.name)
            yield from (Address(endpoint=endpoint, host=host, port=port, pod_port=port) for port in self._ports)

    def _of_services(self) -> Iterator[Address]:
        for endpoint in self.pods.values():
            if endpoint.access and endpoint.access.service.service_name == endpoint.name:
                backend = endpoint.access.service.backend
                host, _, port = endpoint.access.service.address(self.namespace).rpartition(":")
                yield Address(
                    endpoint=endpoint, host=host, port=int(port), pod_port=backend.container_port, is_service=True
                )

    def _of_system(self) -> Iterator[Address]:
        names, api = Endpoint(name=DNS, is_dns=True), Endpoint(name="kube-apiserver")
        for host in (DNS_SERVICE, self._dns_pod()):
            for protocol in ("tcp", "udp"):
                yield Address(endpoint=names, host=host, port=DNS_PORT, pod_port=DNS_PORT, protocol=protocol)
        yield Address(endpoint=names, host=self._dns_pod(), port=8080, pod_port=8080)
        yield Address(endpoint=api, host=KUBERNETES_SERVICE, port=HTTPS, pod_port=API_PORT)
        yield Address(endpoint=api, host=ADDRESS, port=API_PORT, pod_port=API_PORT)
        yield Address(endpoint=Endpoint(name="kubelet"), host=ADDRESS, port=KUBELET_PORT, pod_port=KUBELET_PORT)
        public = Endpoint(name="internet", is_public=True)
        yield from (Address(endpoint=public, host=PUBLIC, port=port, pod_port=port) for port in PUBLIC_PORTS)

    def _dns_pod(self) -> str:
        (pod,) = self.probes.core.list_namespaced_pod(SYSTEM, label_selector="k8s-app=kube-dns").items
        address: str = pod.status.pod_ip
        return address


def internet(probes: ProbePods, shell: str) -> None:
    """Let the node serve PUBLIC, as a host of the internet would."""
    script = f"/bin/busybox ip addr add {PUBLIC}/32 dev lo || true"
    capable = {"capabilities": {"add": ["NET_ADMIN"]}}
    first = {"name": "address", "image": shell, "command": ["/bin/sh", "-c", script], "securityContext": capable}
    as_root = {"runAsUser": 0}  # its ports are the node's, and below 1024
    probes.run(SYSTEM, "internet", PUBLIC_PORTS, hostNetwork=True, initContainers=[first], securityContext=as_root)
    probes.wait()
