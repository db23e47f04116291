"""`synapse plan`: the ledger of a stack, without an engine or a cluster."""

import dataclasses
import json
from typing import Annotated

import typer

from cli.options import AsJson, Stack
from infra.plan.stack import Plan
from infra.plan.stack import plan as plan_of
from infra.settings import what_if
from infra.settings.loader import load

WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="KEY=VALUE",
        help="As if the stack file said so: `services.vllm.contextTokens=16384`, or short for the first vLLM service "
        f"{', '.join(f'{name}=' for name in what_if.SHORT)}. Repeat it, or put commas between.",
    ),
]


def plan(stack: Stack = "forge", as_json: AsJson = False, changes: WhatIf = None) -> None:
    """Print what the stack claims of its node; exit 1 when it does not fit."""
    before = plan_of(load(stack))
    wanted = what_if.changes(changes or [])
    planned = plan_of(what_if.load(stack, wanted)) if wanted else before
    findings = planned.ledger.violations()
    if as_json:
        extra = {"whatIf": wanted, "before": document(before)} if wanted else {}
        typer.echo(json.dumps({**document(planned), **extra}, indent=2))
    else:
        typer.echo(_text(before, planned))
    for finding in findings:
        typer.echo(f"- {finding.message}", err=True)
    raise typer.Exit(1 if findings else 0)


def document(planned: Plan) -> dict[str, object]:
    """The ledger in plain figures: memory and VRAM in bytes, CPU in millicores."""
    ledger = planned.ledger
    return {
        "fits": not ledger.violations(),
        "findings": [dataclasses.asdict(finding) for finding in ledger.violations()],
        "phase": planned.settings.phase,
        "workloads": [dataclasses.asdict(line) for line in ledger.lines],
        "budget": {
            "memory": ledger.capacity.memory_budget,
            "cpu": ledger.capacity.cpu_budget,
            "cpuLimits": ledger.capacity.cpu_limit_budget,
            "gpus": ledger.capacity.gpu_shares,
            "vram": sum(gpu.memory for gpu in ledger.capacity.gpus),
        },
    }


def _text(before: Plan, after: Plan) -> str:
    """One table, or both where a change made a difference to what they say."""
    if before.ledger == after.ledger:
        return after.ledger.text()
    return f"As it is:\n{before.ledger.text()}\nWith --what-if:\n{after.ledger.text()}"
