"""`synapse health`: readiness of the pods, and health of the backends according to the gateway."""

import dataclasses
import json

import typer
from rich.table import Table
from rich.text import Text

from cli import output
from cli.options import DEFAULT_STACK, AsJson, GatewayUrl, Kubeconfig, Phase, Stack
from cli.status import pod_table
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.target import at_phase
from ops.gateway.health import HEALTHY
from ops.gateway.responses import GatewayHealth
from ops.stack_health import StackHealth, read_stack_health


def health(
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    url: GatewayUrl = None,
    kubeconfig: Kubeconfig = None,
    as_json: AsJson = False,
) -> None:
    """Show the pods and the gateway's backends; exit 1 unless all are ready and healthy."""
    planned = plan(at_phase(load(stack), phase))
    report = read_stack_health(planned, stack, url, kubeconfig)
    if as_json:
        typer.echo(json.dumps(_document(planned, report), indent=2))
    else:
        _show(planned, report)
    raise typer.Exit(0 if report.is_healthy(planned) else 1)


def _document(planned: Plan, report: StackHealth) -> dict[str, object]:
    pods = [dataclasses.asdict(pod) for pod in report.state.pods] if report.state else None
    gateway = report.gateway.model_dump(exclude_none=True) if report.gateway else None
    return {"healthy": report.is_healthy(planned), "pods": pods, "gateway": gateway, "fault": report.fault}


def _show(planned: Plan, report: StackHealth) -> None:
    if report.state:
        output.show(pod_table(planned, report.state))
    if report.gateway:
        output.show(_backend_table(report.gateway))
    if report.fault:
        output.say(f"gateway: {report.fault}")


def _backend_table(gateway: GatewayHealth) -> Table:
    table = Table("Backend", "State", "Detail", title=f"Gateway: {gateway.status}", title_justify="left")
    for name, backend in gateway.backends.items():
        colour = "green" if backend.status == HEALTHY else "red"
        detail = backend.error or ("" if backend.code is None else str(backend.code))
        table.add_row(name, Text(backend.status, style=colour), detail)
    return table
