"""`synapse plan`: the ledger of a stack, without an engine or a cluster."""

import dataclasses
import json

import typer

from infra.cli.options import AsJson, Stack
from infra.plan import Plan
from infra.plan import plan as plan_of
from infra.settings import load


def plan(stack: Stack = "forge", as_json: AsJson = False) -> None:
    """Print what the stack claims of its node; exit 1 when it does not fit."""
    planned = plan_of(load(stack))
    findings = planned.ledger.findings()
    typer.echo(json.dumps(document(planned), indent=2) if as_json else planned.ledger.text())
    for finding in findings:
        typer.echo(f"- {finding.message}", err=True)
    raise typer.Exit(1 if findings else 0)


def document(planned: Plan) -> dict[str, object]:
    """The ledger in plain figures: memory and VRAM in bytes, CPU in millicores."""
    ledger = planned.ledger
    return {
        "fits": not ledger.findings(),
        "findings": [dataclasses.asdict(finding) for finding in ledger.findings()],
        "phase": planned.settings.phase,
        "workloads": [dataclasses.asdict(line) for line in ledger.lines],
        "budget": {
            "memory": ledger.capacity.memory_budget,
            "cpu": ledger.capacity.cpu_budget,
            "gpus": ledger.capacity.gpu_shares,
            "vram": sum(gpu.memory for gpu in ledger.capacity.gpus),
        },
    }
