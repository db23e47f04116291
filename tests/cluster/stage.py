"""One stack's policies in force, with probing pods in the place of everything that it runs and lives beside."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kubernetes.utils import create_from_dict

from infra.plan import device_plugin
from infra.plan.egress_rules import HTTPS, exits
from infra.plan.ingress_rules import access
from infra.plan.stack import Plan
from stacks.rendering import manifests
from tests.cluster.matrix import Address, Cell, Endpoint, matrix
from tests.cluster.probe_pods import ProbePods
from tools.cluster.images import DNS
from tools.cluster.manifests import DNS_PORT, SYSTEM
from tools.node.layout import ADDRESS, API_PORT, DNS_SERVICE, KUBELET_PORT, KUBERNETES_SERVICE

PUBLIC = "203.0.113.7"
"""An address of the internet (RFC 5737), which the node takes for its own."""
WEBHOOK_PORT = 8088
PUBLIC_PORTS = (80, HTTPS, WEBHOOK_PORT)
ANY_PORTS = (DNS_PORT, 80, HTTPS, API_PORT, WEBHOOK_PORT)
SETTLES_S, POLL_S = 3.0, 0.2
Manifest = dict[str, Any]


@dataclass(frozen=True)
class NetworkStage:
    """The stack *plan*, whose namespace is this stage's alone, and *elsewhere*, another one."""

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
        return {found["metadata"]["name"]: found for found in self.objects if found["kind"] == "NetworkPolicy"}

    @cached_property
    def pods(self) -> dict[str, Endpoint]:
        """Every probing pod that can be told to try: its own services', and those that are none of them."""
        return {place.name: place for place in (*self._services(), *self._strangers())}

    def build(self) -> None:
        """Returns once all of it is ready. The policies are there first, as they are where a stack grows."""
        for found in self.objects:
            if found["kind"] in {"NetworkPolicy", "Service"}:
                create_from_dict(self.probes.api, found)  # type: ignore[no-untyped-call]
        templates = {found["metadata"]["name"]: found for found in self.objects if "template" in found.get("spec", {})}
        for place in self.pods.values():
            self._run(place, templates)
        self.probes.wait()

    def wrong(self, within_s: float = SETTLES_S) -> list[str]:
        """Every cell that is not as the plan has it. What is shut and should not be is tried again for *within_s*."""
        end = time.monotonic() + within_s
        cells = [*matrix([*self.pods.values()], self.addresses)]
        assert {cell.is_open for cell in cells} == {True, False}
        wrong = self._differing(cells)
        while (slow := [cell for cell, _ in wrong if cell.is_open]) and time.monotonic() < end:
            time.sleep(POLL_S)
            wrong = [*((cell, found) for cell, found in wrong if not cell.is_open), *self._differing(slow)]
        return sorted(cell.fault(found) for cell, found in wrong)

    @cached_property
    def addresses(self) -> list[Address]:
        """Every pod at every port of the stack, every Service, and what is around."""
        return [*self._of_pods(), *self._of_services(), *self._of_system()]

    def _differing(self, cells: Sequence[Cell]) -> list[tuple[Cell, str]]:
        by_source = {name: [cell for cell in cells if cell.source.name == name] for name in self.pods}
        with ThreadPoolExecutor(len(by_source)) as pool:
            found = pool.map(self._try, by_source, by_source.values())
        return [(cell, seen) for pairs in found for cell, seen in pairs if not cell.is_as(seen)]

    def _try(self, name: str, cells: Sequence[Cell]) -> list[tuple[Cell, str]]:
        if not cells:
            return []
        found = self.probes.ask(self.pods[name].namespace, name, {cell.address.target for cell in cells})
        return [(cell, found[cell.address.target]) for cell in cells]

    # Who is there

    def _services(self) -> Iterator[Endpoint]:
        """A pod of each service, or two where it has several."""
        listed = access(self.plan.services)
        ways = {each.name: each for each in exits(self.plan, listed)}
        for each in listed:
            name = each.service.service_name
            place = Endpoint(name=name, namespace=self.namespace, access=each, exits=ways[name])
            yield place
            if each.service.replicas > 1:
                yield replace(place, name=f"{name}-2")

    def _strangers(self) -> Iterator[Endpoint]:
        yield Endpoint(name="stranger", namespace=self.namespace, is_shut=True)
        yield Endpoint(name="neighbour", namespace=self.elsewhere)
        yield Endpoint(name=f"{self.namespace}-system", namespace=SYSTEM)
        if device_plugin.is_deployed(self.plan.settings.node, self.plan.settings.phase):
            yield Endpoint(name=device_plugin.NAME, namespace=SYSTEM, is_shut=True)

    def _run(self, place: Endpoint, templates: dict[str, Manifest]) -> None:
        workload = place.access.service.service_name if place.access else place.name
        labels, port = {}, min(self._ports)
        if workload in templates:
            template = templates[workload]["spec"]["template"]
            labels = template["metadata"]["labels"]
            if place.access:
                (port,) = [found["containerPort"] for found in template["spec"]["containers"][0]["ports"]]
        self.probes.run(place.namespace, place.name, self._ports, labels, port)

    @property
    def _ports(self) -> set[int]:
        return {*ANY_PORTS, *(service.backend.container_port for service in self.plan.services)}

    # What is tried

    def _of_pods(self) -> Iterator[Address]:
        for place in self.pods.values():
            host = self.probes.address(place.namespace, place.name)
            yield from (Address(place=place, host=host, port=port, pod_port=port) for port in self._ports)

    def _of_services(self) -> Iterator[Address]:
        for place in self.pods.values():
            if place.access and place.access.service.service_name == place.name:
                backend = place.access.service.backend
                host, _, port = place.access.service.address(self.namespace).rpartition(":")
                yield Address(place=place, host=host, port=int(port), pod_port=backend.container_port, is_service=True)

    def _of_system(self) -> Iterator[Address]:
        names, api = Endpoint(name=DNS, is_dns=True), Endpoint(name="kube-apiserver")
        for host in (DNS_SERVICE, self._dns_pod()):
            for protocol in ("tcp", "udp"):
                yield Address(place=names, host=host, port=DNS_PORT, pod_port=DNS_PORT, protocol=protocol)
        yield Address(place=names, host=self._dns_pod(), port=8080, pod_port=8080)
        yield Address(place=api, host=KUBERNETES_SERVICE, port=HTTPS, pod_port=API_PORT)
        yield Address(place=api, host=ADDRESS, port=API_PORT, pod_port=API_PORT)
        yield Address(place=Endpoint(name="kubelet"), host=ADDRESS, port=KUBELET_PORT, pod_port=KUBELET_PORT)
        public = Endpoint(name="internet", is_public=True)
        yield from (Address(place=public, host=PUBLIC, port=port, pod_port=port) for port in PUBLIC_PORTS)

    def _dns_pod(self) -> str:
        (pod,) = self.probes.core.list_namespaced_pod(SYSTEM, label_selector="k8s-app=kube-dns").items
        address: str = pod.status.pod_ip
        return address


def internet(probes: ProbePods, shell: str) -> None:
    """Have the node answer at PUBLIC, as somebody out there would."""
    script = f"/bin/busybox ip addr add {PUBLIC}/32 dev lo || true"
    capable = {"capabilities": {"add": ["NET_ADMIN"]}}
    first = {"name": "address", "image": shell, "command": ["/bin/sh", "-c", script], "securityContext": capable}
    as_root = {"runAsUser": 0}  # its ports are the node's, and below 1024
    probes.run(SYSTEM, "internet", PUBLIC_PORTS, hostNetwork=True, initContainers=[first], securityContext=as_root)
    probes.wait()
