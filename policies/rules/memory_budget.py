"""The memory limits of all pods fit the node's budget: a limit is what a pod may take, and there is no swap."""

from collections.abc import Sequence

from infra.sizing.budget import Capacity, Finding, Line, memory_findings, parked_findings, shared_memory_findings
from policies.rule import stack_rule


def _check(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    checks = (memory_findings, shared_memory_findings, parked_findings)
    return [finding for check in checks for finding in check(lines, capacity)]


memory_within_budget = stack_rule("memory-within-budget", "Memory limits add up to no more than the budget.", _check)
