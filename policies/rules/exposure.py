"""The ingress is the only way in: a port on the node goes past its keys, its limits and its TLS."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.reading.claims import containers
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.unknowns import items
from policies.rule import Config, object_rule

EXPOSED = ("NodePort", "LoadBalancer")
REMEDY = "use a ClusterIP Service behind the ingress"


def _check(found: Object, _: Config) -> Iterator[str]:
    if (found.group, found.kind) == ("core", "Service"):
        yield from _service(found.spec)
    for pod in pods(found):
        if pod.spec.get("hostNetwork") not in (None, False):
            yield f"hostNetwork is {pod.spec['hostNetwork']}: every port it opens is the node's; {REMEDY}"
        for container in containers(pod.spec):
            yield from _host_ports(container)


def _service(spec: Mapping[str, Any]) -> Iterator[str]:
    if spec.get("type") in EXPOSED:
        yield f"is of type {spec['type']}, which opens a port on the node; {REMEDY}"
    if addresses := spec.get("externalIPs"):
        yield f"has externalIPs {addresses}; {REMEDY}"


def _host_ports(container: Mapping[str, Any]) -> Iterator[str]:
    for port in items(container.get("ports"), "ports"):
        if port.get("hostPort"):
            yield f"container {container.get('name')} has hostPort {port['hostPort']}; {REMEDY}"


nothing_is_exposed = object_rule(
    "nothing-is-exposed", "No Service or pod opens a port on the node beside the ingress.", _check
)
