"""The ledger as series: constants, recorded beside what is measured, so that a panel can draw both."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.plan.stack import Plan
from infra.sizing.budget import LedgerLine, total


def groups(plan: Plan) -> list[dict[str, Any]]:
    """One group of recording rules: the budget, what of it is kept free, and each workload's claim for all its pods."""
    return [{"name": "synapse-budget", "rules": [*_budget(plan), *_spare(plan), *_claims(plan)]}]


def _budget(plan: Plan) -> Iterator[dict[str, Any]]:
    node = plan.ledger.capacity
    yield _constant("synapse_budget_bytes", node.memory_budget)
    yield _constant("synapse_budget_cores", node.cpu_limit_budget / 1000)
    for gpu in node.gpus:
        yield _constant("synapse_gpu_bytes", gpu.memory, {"card": gpu.name})


def _spare(plan: Plan) -> Iterator[dict[str, Any]]:
    """For pods that are there for a moment, such as one that comes before another goes."""
    lines = [line for line in plan.ledger.lines if not (line.is_lasting or line.namespace)]
    yield _constant("synapse_spare_bytes", total(lines, lambda claim: claim.memory_limit))
    yield _constant("synapse_spare_cores", total(lines, lambda claim: claim.cpu_limit) / 1000)


def _claims(plan: Plan) -> Iterator[dict[str, Any]]:
    for line in plan.ledger.lines:
        labels, claim = _labels(line), line.claim
        yield _constant("synapse_claim_bytes", claim.memory_limit * line.replicas, labels)
        yield _constant("synapse_claim_cores", claim.cpu_limit * line.replicas / 1000, labels)
        if claim.vram:
            yield _constant("synapse_gpu_claim_bytes", claim.vram * claim.gpus * line.replicas, labels)


def _labels(line: LedgerLine) -> dict[str, str]:
    return {"workload": line.name, "phase": str(line.phase)}


def _constant(name: str, value: float, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    rule = {"record": name, "expr": f"vector({value:.15g})"}
    return {**rule, "labels": dict(labels)} if labels else rule
