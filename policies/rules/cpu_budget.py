"""The CPU limits of all pods fit the node's budget, so that one busy service cannot starve the rest."""

from infra.sizing.budget import cpu_violations
from policies.rule import stack_rule

cpu_within_budget = stack_rule("cpu-within-budget", "CPU limits add up to no more than the budget.", cpu_violations)
