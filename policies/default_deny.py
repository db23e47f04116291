"""From the security phase on, what no policy allows is refused: without that, every pod may ask every other."""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.settings import LAST_PHASE, PREFIX
from policies import stack_config
from policies.known import UNKNOWN
from policies.objects import Object
from policies.pods import pods
from policies.rules import Config, Fault, objects_rule

PHASE = 5
SCHEMA: dict[str, dict[str, Any]] = {
    "phase": {"type": "integer", "description": f"The phase that it holds from; {PHASE} if left out."}
}


def _check(found: Sequence[Object], config: Config) -> Iterator[Fault]:
    if int(stack_config.value(f"{PREFIX}phase") or LAST_PHASE) < int(config.get("phase", PHASE)):
        return
    denied = {item.namespace for item in found if item.kind == "NetworkPolicy" and _denies(item.spec)}
    first = {item.namespace: item for item in reversed(found) if any(pods(item))}
    allowed = {name.removeprefix("Namespace/") for name in config.get("allow", ())}
    for namespace in sorted(first.keys() - denied - allowed):
        yield Fault(
            object=first[namespace],
            message=f"namespace {namespace} has pods and no policy that denies by default; "
            "add a NetworkPolicy with an empty podSelector, policyTypes [Ingress] and no ingress rules",
        )


def _denies(spec: dict[str, Any]) -> bool:
    """Whether it selects every pod and lets nothing in. Types that are left out are Ingress."""
    selector, types = spec.get("podSelector"), spec.get("policyTypes") or ["Ingress"]
    selects_all = selector is not UNKNOWN and not any((selector or {}).values())
    return selects_all and types is not UNKNOWN and "Ingress" in types and not spec.get("ingress")


network_denies_by_default = objects_rule(
    "network-denies-by-default",
    f"From phase {PHASE} on, every namespace with pods denies what no policy allows.",
    _check,
    SCHEMA,
)
