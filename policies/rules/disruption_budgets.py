"""A node can always be drained: a budget that lets no pod go makes `kubectl drain` wait for ever."""

from collections.abc import Iterator, Sequence

from policies.reading.label_selectors import selects
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.rollouts import part
from policies.rule import Config, Fault, objects_rule

KIND = "PodDisruptionBudget"


def _check(found: Sequence[Object], _: Config) -> Iterator[Fault]:
    for budget in (item for item in found if item.kind == KIND):
        selector = budget.spec.get("selector")
        if not isinstance(selector, dict):
            continue
        chosen = [
            pod
            for item in found
            if item.namespace == budget.namespace
            for pod in pods(item)
            if selects(selector, pod.labels or item.metadata.get("labels") or {})
        ]
        replicas = sum(pod.replicas for pod in chosen)
        if replicas and _may_go(budget, replicas) <= 0:
            names = ", ".join(dict.fromkeys(pod.name for pod in chosen))
            yield Fault(object=budget, message=_message(budget, names, replicas))


def _message(budget: Object, names: str, replicas: int) -> str:
    fields = [field for field in ("minAvailable", "maxUnavailable") if budget.spec.get(field) is not None]
    said = " and ".join(f"{field} {budget.spec[field]}" for field in fields)
    return (
        f"{said} lets none of the {replicas} pods of {names} go, so a drain waits for ever; "
        "set maxUnavailable to 1, or run more replicas"
    )


def _may_go(budget: Object, replicas: int) -> int:
    """How many of *replicas* an eviction may take. Raises UnprovenError where that is not known yet."""
    kept, gone = budget.spec.get("minAvailable"), budget.spec.get("maxUnavailable")
    if gone is not None:
        return part(gone, replicas, f"{budget.name}: its maxUnavailable")
    return replicas - part(kept or 0, replicas, f"{budget.name}: its minAvailable")


drains_are_not_blocked = objects_rule(
    "drains-are-not-blocked", f"No {KIND} keeps every pod of a workload where it is.", _check
)
