"""Rules for exposure: the ingress, with TLS, is the only entry from outside."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.reading.claims import containers
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.unknowns import UNKNOWN, items, values
from policies.rule import Config, object_rule

EXPOSED = ("NodePort", "LoadBalancer")
REMEDY = "use a ClusterIP Service behind the ingress"
ROUTES = ("IngressRoute", "IngressRouteTCP")
GROUPS = ("traefik.io", "traefik.containo.us")


def _ports(item: Object, _: Config) -> Iterator[str]:
    if (item.group, item.kind) == ("core", "Service"):
        yield from _service(item.spec)
    for pod in pods(item):
        if pod.spec.get("hostNetwork") not in (None, False):
            yield f"hostNetwork is {pod.spec['hostNetwork']}: its ports are open on the node; {REMEDY}"
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


def _tls(item: Object, _: Config) -> Iterator[str]:
    if item.group in GROUPS and item.kind in ROUTES and item.spec.get("tls") is None:
        yield "has no tls; set spec.tls, with a secretName or a certResolver"
    if item.kind == "Ingress" and item.group in ("networking.k8s.io", "extensions"):
        yield from _ingress(item)


def _ingress(item: Object) -> Iterator[str]:
    sections = items(item.spec.get("tls"), "tls")
    covered = [host for section in sections for host in values(section.get("hosts"))]
    for host in [rule.get("host") for rule in items(item.spec.get("rules"), "rules")] or [None]:
        if host is UNKNOWN or not (any(_covers(name, host) for name in covered) if host else sections):
            named = f"host {host}" if host else "every host"
            yield f"serves {named} without TLS; name it in the hosts of a spec.tls section with a secretName"


def _covers(name: object, host: str) -> bool:
    wildcard = str(name).startswith("*.") and host.partition(".")[2] == str(name)[2:]
    return name == host or wildcard


nothing_is_exposed = object_rule(
    "nothing-is-exposed",
    "No Service or pod opens a port on the node beside the ingress.",
    _ports,
    reason="A port on the node bypasses the API keys, the rate limits and the TLS of the ingress.",
)
ingress_has_tls = object_rule(
    "ingress-has-tls",
    "Every host of an ingress is served with TLS.",
    _tls,
    reason="Without TLS everybody on the network path can read the API keys.",
)
