"""From the security phase on, what no policy allows is refused: without that, every pod may ask every other."""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.settings import LAST_PHASE, PREFIX
from policies import stack_config
from policies.known import UNKNOWN
from policies.objects import Object
from policies.pods import Pods, pods
from policies.rules import Config, Fault, objects_rule
from policies.selectors import selects

PHASE = 5
SCHEMA: dict[str, dict[str, Any]] = {
    "phase": {"type": "integer", "description": f"The phase that it holds from; {PHASE} if left out."}
}


def _check(found: Sequence[Object], config: Config) -> Iterator[Fault]:
    if int(stack_config.value(f"{PREFIX}phase") or LAST_PHASE) < int(config.get("phase", PHASE)):
        return
    shut = [item for item in found if item.kind == "NetworkPolicy" and _lets_nothing_in(item.spec)]
    makers = [item for item in found if not item.is_patch]  # a patch makes no pods
    first = {item.namespace: item for item in reversed(makers) if any(not _is_denied(pod, shut) for pod in pods(item))}
    allowed = {name.removeprefix("Namespace/") for name in config.get("allow", ())}
    for namespace in sorted(first.keys() - allowed):
        yield Fault(
            object=first[namespace],
            message=f"namespace {namespace} has pods and no policy that denies by default; "
            "add a NetworkPolicy with an empty podSelector, policyTypes [Ingress] and no ingress rules",
        )


def _lets_nothing_in(spec: dict[str, Any]) -> bool:
    """Types that are left out are Ingress."""
    types = spec.get("policyTypes") or ["Ingress"]
    return types is not UNKNOWN and "Ingress" in types and not spec.get("ingress")


def _is_denied(pod: Pods, shut: Sequence[Object]) -> bool:
    """Whether one of *shut* selects it: most select every pod of their namespace."""
    beside = [item for item in shut if item.namespace == pod.owner.namespace]
    selectors = [item.spec.get("podSelector") or {} for item in beside]
    return any(selector is not UNKNOWN and selects(selector, pod.labels) for selector in selectors)


network_denies_by_default = objects_rule(
    "network-denies-by-default",
    f"From phase {PHASE} on, every pod is denied what no policy allows.",
    _check,
    SCHEMA,
)
