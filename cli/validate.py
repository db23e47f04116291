"""`synapse validate`: is the stack file right, and is what follows from it? Without an engine or a cluster."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.lint import divided
from cli.options import AsJson, Phase, Stack
from infra.plan.stack import Plan, plan
from infra.settings.loader import load, project
from ops.cluster.target import at_phase
from ops.policy_run import judge, resources_of
from stacks.rendering import SEALED, manifests, write
from tools.lint import findings

Faults = Sequence[str]
NoLint = Annotated[bool, typer.Option("--no-lint", help="Leave checkov and kube-score out: they take a minute.")]


def validate(stack: Stack = "forge", phase: Phase = None, no_lint: NoLint = False, as_json: AsJson = False) -> None:
    """Check the ledger, the policy pack and the manifests; exit 1 when one of them has anything against the stack."""
    planned = plan(at_phase(load(stack), phase))
    # A ledger that does not fit is the reason for whatever else would be found.
    names = ("ledger",) if planned.ledger.violations() else tuple(CHECKS) if not no_lint else ("ledger", "policies")
    found: dict[str, Faults] = {}
    for name in names:
        with Console(stderr=True).status(f"checking: {name}"):
            found[name] = CHECKS[name](stack, planned)
    _show(found, as_json=as_json)
    raise typer.Exit(1 if any(found.values()) else 0)


def _ledger(_: str, planned: Plan) -> Faults:
    return [finding.message for finding in planned.ledger.violations()]


def _policies(stack: str, planned: Plan) -> Faults:
    """By the stack's own config, whose secrets stay shut."""
    content = yaml.safe_load((project() / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    config = {key: SEALED if _is_sealed(value) else value for key, value in content.items()}
    return [f"{rule}: {message}" for rule, message in judge(resources_of(planned), config)]


def _lint(_: str, planned: Plan) -> Faults:
    with tempfile.TemporaryDirectory(prefix="synapse-validate-") as folder:
        write(manifests(planned), Path(folder))
        new = divided(findings(Path(folder)))[1]
    return [f"{finding.on}: {finding.says} ({finding.linter} {finding.check})" for finding in new]


CHECKS: Final[Mapping[str, Callable[[str, Plan], Faults]]] = {"ledger": _ledger, "policies": _policies, "lint": _lint}


def _is_sealed(value: Any) -> bool:  # noqa: ANN401 - config is YAML
    return isinstance(value, dict) and "secure" in value


def _show(found: Mapping[str, Faults], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"valid": not any(found.values()), "checks": found}, indent=2))
        return
    table = Table("Check", "Found", "")
    for name, faults in found.items():
        says = escape("\n".join(faults)) if faults else "nothing"
        table.add_row(name, says, "[red]FAIL[/]" if faults else "[green]pass[/]")
    Console(soft_wrap=True, highlight=False).print(table)
