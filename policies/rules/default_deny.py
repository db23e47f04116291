"""From the security phase on, what no policy allows is refused: else every pod may ask every other, and the world.

A pod that is taken over finds nothing to go on to, and nowhere to send what it has read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.settings.model import LAST_PHASE
from infra.settings.schema import PREFIX
from policies.reading import stack_config
from policies.reading.label_selectors import selects
from policies.reading.objects import Object
from policies.reading.pods import Pods, pods
from policies.reading.unknowns import UNKNOWN
from policies.rule import Config, Fault, objects_rule

PHASE = 5
DIRECTIONS = ("Ingress", "Egress")
SCHEMA: dict[str, dict[str, Any]] = {
    "phase": {"type": "integer", "description": f"The phase that it holds from; {PHASE} if left out."}
}


def _check(found: Sequence[Object], config: Config) -> Iterator[Fault]:
    if int(stack_config.value(f"{PREFIX}phase") or LAST_PHASE) < int(config.get("phase", PHASE)):
        return
    policies = [item for item in found if item.kind == "NetworkPolicy"]
    makers = [item for item in found if not item.is_patch]  # a patch makes no pods
    allowed = {name.removeprefix("Namespace/") for name in config.get("allow", ())}
    for direction in DIRECTIONS:
        shut = [item for item in policies if _is_shut(item.spec, direction)]
        first = {
            item.namespace: item for item in reversed(makers) if any(not _is_denied(pod, shut) for pod in pods(item))
        }
        for namespace in sorted(first.keys() - allowed):
            yield Fault(
                object=first[namespace],
                message=f"namespace {namespace} has pods and no policy that denies {direction.lower()} by default; "
                f"add a NetworkPolicy with an empty podSelector, policyTypes [{', '.join(DIRECTIONS)}] and no rules",
            )


def _is_shut(spec: dict[str, Any], direction: str) -> bool:
    """Whether it lets nothing pass; types that are left out are Ingress."""
    types = spec.get("policyTypes") or ["Ingress"]
    return types is not UNKNOWN and direction in types and not spec.get(direction.lower())


def _is_denied(pod: Pods, shut: Sequence[Object]) -> bool:
    """Whether one of *shut* selects it: most select every pod of their namespace."""
    beside = [item for item in shut if item.namespace == pod.owner.namespace]
    selectors = [item.spec.get("podSelector") or {} for item in beside]
    return any(selector is not UNKNOWN and selects(selector, pod.labels) for selector in selectors)


network_denies_by_default = objects_rule(
    "network-denies-by-default",
    f"From phase {PHASE} on, every pod is denied what no policy allows, in and out.",
    _check,
    SCHEMA,
)
