"""`synapse plan`, `routes`, `graph` and `settings`: facts that follow from a stack file, without a cluster."""

import dataclasses
import json
from typing import Annotated

import typer
from rich.table import Table

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Line, Stack
from infra.plan.graph import svg
from infra.plan.routes import COLUMNS
from infra.plan.stack import Plan
from infra.plan.stack import plan as plan_of
from infra.settings import what_if
from infra.settings.loader import load
from infra.settings.reference import render
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
        typer.echo(_text(before, after))
        typer.echo(f"First start: {first_start(after).text(speed)}")
    for violation in violations:
        typer.echo(f"- {violation.message}", err=True)
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
        "workloads": [dataclasses.asdict(line) for line in ledger.lines],
        "budget": {
            "memory": ledger.capacity.memory_budget,
            "cpu": ledger.capacity.cpu_budget,
            "cpuLimits": ledger.capacity.cpu_limit_budget,
            "gpus": ledger.capacity.gpu_shares,
            "vram": sum(gpu.memory for gpu in ledger.capacity.gpus),
        },
    }


def _first_start_document(plan: Plan, line: int | None) -> dict[str, object]:
    """Return the downloads of a first start: sizes in bytes and, for a line, the time in seconds."""
    start = first_start(plan)
    time = {} if line is None else {"seconds": start.seconds(line)}
    return {"download": start.download, "disk": start.disk, "unknown": start.unknown, **time}


def _text(before: Plan, after: Plan) -> str:
    """Return one table, or two where the changes make a difference."""
    if before.ledger == after.ledger:
        return after.ledger.text()
    return f"As it is:\n{before.ledger.text()}\nWith --what-if:\n{after.ledger.text()}"
