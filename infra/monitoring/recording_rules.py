"""Recording rules: figures of the ledger as constant series beside the measured ones, so that a panel shows both."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.plan.stack import Plan
from infra.sizing.budget import LedgerLine, total


def groups(plan: Plan) -> list[dict[str, Any]]:
    """Return one group of recording rules: the budget, the reserve, and the claim of each workload for all its pods."""
    return [{"name": "synapse-budget", "rules": [*_budget(plan), *_reserve(plan), *_claims(plan)]}]


def _budget(plan: Plan) -> Iterator[dict[str, Any]]:
    node = plan.ledger.capacity
    yield _constant("synapse_budget_bytes", node.memory_budget)
    yield _constant("synapse_budget_cores", node.cpu_limit_budget / 1000)
    for gpu in node.gpus:
        yield _constant("synapse_gpu_bytes", gpu.memory, {"card": gpu.name})


def _reserve(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the reserve for short-lived pods, such as the additional pod of a rolling update."""
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
