"""Check of the registries: answers to the node, by the kubelet's message about a pull that had to fail."""

from collections.abc import Iterator
from typing import Final

from infra.plan.stack import Plan
from ops.doctor.check import NodeCheck, Verdict, failure, ok, unknown, warning
from ops.doctor.facts import NodeFacts

FILE: Final = "/etc/rancher/k3s/registries.yaml"
PLAIN_HTTP: Final = "gave HTTP response to HTTPS client"
BAD_CERTIFICATE: Final = ("x509:", "tls: failed to verify")
NO_CONNECTION: Final = ("dial tcp", "no such host", "connection refused", "timeout", "deadline exceeded", "unreachable")
REFUSED: Final = ("denied", "authorization failed", "unauthorized", "Unauthorized", "Forbidden")
ABSENT: Final = ("not found", "manifest unknown", "name unknown", "NAME_UNKNOWN")
SHOWN: Final = 160
"""Characters of the kubelet's message; its end has the cause."""


def registry(facts: NodeFacts, plan: Plan) -> Iterator[Verdict]:
    """Check that each registry of the stack's images answers the node."""
    if facts.registries is None:
        yield unknown("registries of the images: not probed", "run `synapse doctor --probe`")
        return
    for name, message in facts.registries.items():
        yield _verdict(name, message, is_own=name == plan.settings.registry)


def _verdict(name: str, message: str, *, is_own: bool) -> Verdict:
    host, end = name.partition("/")[0], message[-SHOWN:]
    if PLAIN_HTTP in message:
        mirror = f'mirrors: {{"{host}": {{endpoint: ["http://{host}"]}}}}'
        return failure(f"{host} speaks HTTP, and the node expects HTTPS", f"write `{mirror}` to {FILE}, restart K3s")
    if any(part in message for part in BAD_CERTIFICATE):
        trust = f'configs: {{"{host}": {{tls: {{ca_file: FILE}}}}}}'
        return failure(f"the node does not trust {host}: {end}", f"write `{trust}` to {FILE}, restart K3s")
    if any(part in message for part in NO_CONNECTION):
        look = f"see `k3s crictl pull` of one of its images on the node: DNS, firewall, proxy, or a mirror in {FILE}"
        return failure(f"the node does not reach {host}: {end}", look)
    if any(part in message for part in REFUSED) and is_own:
        login = f'configs: {{"{host}": {{auth: {{username: NAME, password: PASSWORD}}}}}}'
        return warning(f"{host} answers, and may want credentials", f"if so, write `{login}` to {FILE}, restart K3s")
    if any(part in message for part in (*REFUSED, *ABSENT)):
        return ok(f"{host} answers the node")
    return unknown(f"{host}: {end}", f"see `k3s crictl pull` of an image of {host} on the node")


CHECKS = (NodeCheck(name="registry", run=registry, scope="node"),)
