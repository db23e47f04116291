"""`synapse plan`, `routes`, `graph` and `settings`: facts that follow from a stack file, without a cluster."""

import dataclasses
import json
from typing import Annotated

import typer
from rich.table import Table

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Line, Stack
from infra.plan.gpu_memory import gpu_memory_lines
from infra.plan.graph import svg
from infra.plan.routes import COLUMNS
from infra.plan.stack import Plan
from infra.plan.stack import plan as plan_of
from infra.settings import what_if
from infra.settings.loader import load
from infra.settings.reference import render
from infra.sizing.budget import LedgerLine
from ops.first_start import first_start, parse_line
from ops.stack_secrets import with_secrets

WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="KEY=VALUE",
        help="Change to the stack file for this plan, such as `services.vllm.contextTokens=16384`; short forms for the "
        f"first vLLM service: {', '.join(f'{name}=' for name in what_if.SHORT)}. Repeat it, or separate changes by "
        "commas.",
    ),
]


def plan(stack: Stack = DEFAULT_STACK, as_json: AsJson = False, changes: WhatIf = None, line: Line = None) -> None:
    """Print the ledger: the resource claims of the stack and the budget of its node; exit 1 when they do not fit."""
    speed = parse_line(line) if line else None
    before = plan_of(with_secrets(stack, load(stack), None))
    overrides = what_if.changes(changes or [])
    after = plan_of(with_secrets(stack, what_if.load(stack, overrides), None)) if overrides else before
    violations = after.ledger.violations()
    if as_json:
        extra = {"whatIf": overrides, "before": ledger_document(before)} if overrides else {}
        start = {"firstStart": _first_start_document(after, speed)}
        typer.echo(json.dumps({**ledger_document(after), **start, **extra}, indent=2))
    else:
        typer.echo(comparison(before, after))
        typer.echo("".join(f"{line}\n" for line in gpu_memory_lines(after)), nl=False)
        typer.echo(f"First start: {first_start(after).text(speed)}")
    for violation in violations:
        typer.echo(f"- {violation.message}", err=True)
    for warning in after.ledger.warnings():
        typer.echo(f"warning: {warning.message}", err=True)
    raise typer.Exit(1 if violations else 0)


def routes(stack: Stack = DEFAULT_STACK) -> None:
    """Print every public model name, and its services in the order they are tried."""
    table = Table(*COLUMNS)
    for row in plan_of(load(stack)).routes.rows():
        table.add_row(*row)
    output.show(table)


def graph(stack: Stack = DEFAULT_STACK) -> None:
    """Print a picture of the stack, with its resource claims and routes, as one SVG document."""
    typer.echo(svg(plan_of(load(stack)), stack), nl=False)


def settings() -> None:
    """Print the reference of the stack file, every key, as Markdown."""
    typer.echo(render(), nl=False)


def ledger_document(plan: Plan) -> dict[str, object]:
    """Return the ledger as JSON: memory and VRAM in bytes, CPU in millicores."""
    ledger = plan.ledger
    return {
        "fits": not ledger.violations(),
        "findings": [dataclasses.asdict(violation) for violation in ledger.violations()],
        "phase": plan.settings.phase,
        "warnings": [dataclasses.asdict(warning) for warning in ledger.warnings()],
        "workloads": [_workload(line) for line in ledger.lines],
        "budget": {
            "memory": ledger.capacity.memory_budget,
            "cpu": ledger.capacity.cpu_budget,
            "cpuLimits": ledger.capacity.cpu_limit_budget,
            "gpus": ledger.capacity.gpu_shares,
            "vram": sum(gpu.free for gpu in ledger.capacity.gpus),
        },
    }


def _workload(line: LedgerLine) -> dict[str, object]:
    """Return a line of the ledger without the function that tries what would fit, which is no data."""
    values = dataclasses.asdict(dataclasses.replace(line, fit=None))
    return {name: value for name, value in values.items() if name != "fit"}


def _first_start_document(plan: Plan, line: int | None) -> dict[str, object]:
    """Return the downloads of a first start: sizes in bytes and, for a line, the time in seconds."""
    start = first_start(plan)
    time = {} if line is None else {"seconds": start.seconds(line)}
    return {"download": start.download, "disk": start.disk, "unknown": start.unknown, **time}


def comparison(before: Plan, after: Plan, title: str = "With --what-if") -> str:
    """Return one table, or two where the changes make a difference."""
    if before.ledger == after.ledger:
        return after.ledger.text()
    return f"As it is:\n{before.ledger.text()}\n{title}:\n{after.ledger.text()}"
