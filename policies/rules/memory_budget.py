"""The memory limits of all pods fit the node's budget: a limit is what a pod may take, and there is no swap."""

from collections.abc import Sequence

from infra.sizing.budget import (
    Capacity,
    LedgerLine,
    Violation,
    memory_violations,
    shared_memory_violations,
    sleeping_weights_violations,
)
from policies.rule import stack_rule


def _check(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    checks = (memory_violations, shared_memory_violations, sleeping_weights_violations)
    return [finding for check in checks for finding in check(lines, capacity)]


memory_within_budget = stack_rule("memory-within-budget", "Memory limits add up to no more than the budget.", _check)
