"""The requests of all pods fit what the scheduler may hand out: the pod that does not fit waits for ever."""

from infra.sizing.budget import requests_violations
from policies.rule import stack_rule

requests_within_budget = stack_rule(
    "requests-within-budget", "Memory and CPU requests add up to no more than the budget.", requests_violations
)
