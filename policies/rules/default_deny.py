"""Rule for default-deny NetworkPolicies: from the security phase on, only allowed connections are possible.

An attacker who takes over a pod then cannot reach other pods, nor send data to the internet.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.settings.names import LAST_PHASE, PREFIX
from policies.reading import stack_config
from policies.reading.label_selectors import selects
from policies.reading.objects import Object
from policies.reading.pods import Pods, pods
from policies.reading.unknowns import UNKNOWN
from policies.rule import Config, ObjectViolation, stack_rule

PHASE = 5
DIRECTIONS = ("Ingress", "Egress")
SCHEMA: dict[str, dict[str, Any]] = {
    "phase": {"type": "integer", "description": f"First phase in which the rule applies; {PHASE} if left out."}
}


def _check(stack: Sequence[Object], config: Config) -> Iterator[ObjectViolation]:
    if int(stack_config.value(f"{PREFIX}phase") or LAST_PHASE) < int(config.get("phase", PHASE)):
        return
    policies = [item for item in stack if item.kind == "NetworkPolicy"]
    makers = [item for item in stack if not item.is_patch]  # a patch makes no pods
    allowed = {name.removeprefix("Namespace/") for name in config.get("allow", ())}
    for direction in DIRECTIONS:
        denying = [item for item in policies if _denies_all(item.spec, direction)]
        first = {
            item.namespace: item for item in reversed(makers) if any(not _is_denied(pod, denying) for pod in pods(item))
        }
        for namespace in sorted(first.keys() - allowed):
            yield ObjectViolation(
                object=first[namespace],
                message=f"namespace {namespace} has pods and no policy that denies {direction.lower()} by default; "
                f"add a NetworkPolicy with an empty podSelector, policyTypes [{', '.join(DIRECTIONS)}] and no rules",
            )


def _denies_all(spec: dict[str, Any], direction: str) -> bool:
    """Return True for a policy that allows nothing in this direction; left out, policyTypes is Ingress."""
    types = spec.get("policyTypes") or ["Ingress"]
    return types is not UNKNOWN and direction in types and not spec.get(direction.lower())


def _is_denied(pod: Pods, denying: Sequence[Object]) -> bool:
    """Return True if one of the *denying* policies selects *pod*."""
    beside = [item for item in denying if item.namespace == pod.owner.namespace]
    selectors = [item.spec.get("podSelector") or {} for item in beside]
    return any(selector is not UNKNOWN and selects(selector, pod.labels) for selector in selectors)


network_denies_by_default = stack_rule(
    "network-denies-by-default",
    f"From phase {PHASE} on, ingress and egress of every pod are denied unless a NetworkPolicy allows them.",
    _check,
    SCHEMA,
    reason="Without a default deny every pod can reach every other pod, and the internet.",
)
