"""What comes from outside is encrypted: a bearer key that crosses a network in the clear is everybody's."""

from collections.abc import Iterator

from policies.reading.objects import Object
from policies.reading.unknowns import UNKNOWN, items, values
from policies.rule import Config, object_rule

ROUTES = ("IngressRoute", "IngressRouteTCP")
GROUPS = ("traefik.io", "traefik.containo.us")


def _check(found: Object, _: Config) -> Iterator[str]:
    if found.group in GROUPS and found.kind in ROUTES and found.spec.get("tls") is None:
        yield "has no tls; set spec.tls, with a secretName or a certResolver"
    if found.kind == "Ingress" and found.group in ("networking.k8s.io", "extensions"):
        yield from _ingress(found)


def _ingress(found: Object) -> Iterator[str]:
    sections = items(found.spec.get("tls"), "tls")
    covered = [host for section in sections for host in values(section.get("hosts"))]
    for host in [rule.get("host") for rule in items(found.spec.get("rules"), "rules")] or [None]:
        if host is UNKNOWN or not (any(_covers(name, host) for name in covered) if host else sections):
            named = f"host {host}" if host else "every host"
            yield f"serves {named} without TLS; name it in the hosts of a spec.tls section with a secretName"


def _covers(name: object, host: str) -> bool:
    wildcard = str(name).startswith("*.") and host.partition(".")[2] == str(name)[2:]
    return name == host or wildcard


ingress_has_tls = object_rule("ingress-has-tls", "Every host of an ingress is served with TLS.", _check)
