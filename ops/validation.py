"""Validation of a stack without an engine or a cluster: the ledger, the policy pack, and the linters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from infra.plan.stack import Plan
from infra.settings.loader import read_config
from ops.lint import lint
from ops.policy_run import resources_of, run_pack
from stacks.rendering import SEALED

Faults = Sequence[str]


def _ledger(_: str, plan: Plan) -> Faults:
    return [finding.message for finding in plan.ledger.violations()]


def _policies(stack: str, plan: Plan) -> Faults:
    """Run the pack with the stack's own config; its secrets stay encrypted."""
    config = {key: SEALED if _is_encrypted(value) else value for key, value in read_config(stack).items()}
    return [f"{rule}: {message}" for rule, message in run_pack(resources_of(plan), config)]


def _lint(_: str, plan: Plan) -> Faults:
    unreviewed = lint(plan)[1]
    return [f"{finding.on}: {finding.says} ({finding.linter} {finding.check})" for finding in unreviewed]


CHECKS: Final[Mapping[str, Callable[[str, Plan], Faults]]] = {"ledger": _ledger, "policies": _policies, "lint": _lint}


def applicable(plan: Plan, *, with_lint: bool) -> tuple[str, ...]:
    """Return the checks to run. A ledger that does not fit causes every other fault: then it is the only one."""
    if plan.ledger.violations():
        return ("ledger",)
    return tuple(CHECKS) if with_lint else ("ledger", "policies")


def _is_encrypted(value: Any) -> bool:  # noqa: ANN401 - config is YAML
    return isinstance(value, dict) and "secure" in value
