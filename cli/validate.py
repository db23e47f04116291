"""`synapse validate`: the ledger, the policy pack and the linters, without an engine or a cluster."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.options import DEFAULT_STACK, AsJson, Phase, Stack
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.cluster.target import at_phase
from ops.validation import CHECKS, Faults, applicable

NoLint = Annotated[bool, typer.Option("--no-lint", help="Skip checkov and kube-score, which take a minute.")]


def validate(
    stack: Stack = DEFAULT_STACK, phase: Phase = None, no_lint: NoLint = False, as_json: AsJson = False
) -> None:
    """Check the ledger, the policy pack and the manifests; exit 1 when a check fails."""
    planned = plan(at_phase(load(stack), phase))
    faults: dict[str, Faults] = {}
    for name in applicable(planned, with_lint=not no_lint):
        with Console(stderr=True).status(f"checking: {name}"):
            faults[name] = CHECKS[name](stack, planned)
    _show(faults, as_json=as_json)
    raise typer.Exit(1 if any(faults.values()) else 0)


def _show(faults: Mapping[str, Faults], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"valid": not any(faults.values()), "checks": faults}, indent=2))
        return
    table = Table("Check", "Found", "")
    for name, messages in faults.items():
        text = escape("\n".join(messages)) if messages else "nothing"
        table.add_row(name, text, "[red]FAIL[/]" if messages else "[green]pass[/]")
    Console(soft_wrap=True, highlight=False).print(table)
