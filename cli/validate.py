"""`synapse validate`: the ledger, the policy pack and the linters, without an engine or a cluster."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.options import DEFAULT_STACK, AsJson, Phase, Stack
from cli.output import show, waiting
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.target import at_phase
from ops.stack_secrets import with_secrets
from ops.validation import CHECKS, Faults, applicable

NoLint = Annotated[bool, typer.Option("--no-lint", help="Skip checkov and kube-score, which take a minute.")]


def validate(
    stack: Stack = DEFAULT_STACK, phase: Phase = None, no_lint: NoLint = False, as_json: AsJson = False
) -> None:
    """Check the ledger, the policy pack and the manifests; exit 1 when a check fails."""
    planned = plan(with_secrets(stack, at_phase(load(stack), phase), None))
    faults: dict[str, Faults] = {}
    for name in applicable(planned, with_lint=not no_lint):
        with waiting(f"checking: {name}"):
            faults[name] = CHECKS[name](stack, planned)
    _show(faults, as_json=as_json)
    raise typer.Exit(1 if any(faults.values()) else 0)


def _show(faults: Mapping[str, Faults], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"valid": not any(faults.values()), "checks": faults}, indent=2))
        return
    table = Table("Check", "Found", "")
    for name, messages in faults.items():
        verdict = Text("FAIL", style="red") if messages else Text("pass", style="green")
        table.add_row(name, "\n".join(messages) if messages else "nothing", verdict)
    show(table)
