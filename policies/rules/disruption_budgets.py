"""Rule for PodDisruptionBudgets: every node can be drained."""

from collections.abc import Iterator, Sequence

from policies.reading.label_selectors import selects
from policies.reading.objects import Object
from policies.reading.pods import pods
from policies.reading.rollouts import int_or_percent
from policies.rule import Config, ObjectViolation, stack_rule

KIND = "PodDisruptionBudget"


def _check(stack: Sequence[Object], _: Config) -> Iterator[ObjectViolation]:
    for budget in (item for item in stack if item.kind == KIND):
        selector = budget.spec.get("selector")
        if not isinstance(selector, dict):
            continue
        selected = [
            pod
            for item in stack
            if item.namespace == budget.namespace
            for pod in pods(item)
            if selects(selector, pod.labels or item.metadata.get("labels") or {})
        ]
        replicas = sum(pod.replicas for pod in selected)
        if replicas and _evictable(budget, replicas) <= 0:
            names = ", ".join(dict.fromkeys(pod.name for pod in selected))
            yield ObjectViolation(object=budget, message=_message(budget, names, replicas))


def _message(budget: Object, names: str, replicas: int) -> str:
    fields = [field for field in ("minAvailable", "maxUnavailable") if budget.spec.get(field) is not None]
    values = " and ".join(f"{field} {budget.spec[field]}" for field in fields)
    return (
        f"{values} allows the eviction of none of the {replicas} pods of {names}, so a drain never ends; "
        "set maxUnavailable to 1, or run more replicas"
    )


def _evictable(budget: Object, replicas: int) -> int:
    """Return how many of *replicas* may be evicted at once. Raises UnprovenError where that is not known yet."""
    available, unavailable = budget.spec.get("minAvailable"), budget.spec.get("maxUnavailable")
    if unavailable is not None:
        return int_or_percent(unavailable, replicas, f"{budget.name}: its maxUnavailable")
    return replicas - int_or_percent(available or 0, replicas, f"{budget.name}: its minAvailable")


drains_are_not_blocked = stack_rule(
    "drains-are-not-blocked",
    f"No {KIND} forbids the eviction of every pod of a workload.",
    _check,
    reason="`kubectl drain` never ends while a budget forbids every eviction.",
)
