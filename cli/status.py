"""`synapse status`: pods and PVCs of a stack in the cluster, phase by phase, beside its budget."""

import dataclasses
import json

import typer
from rich.console import Console
from rich.table import Table

from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Stack
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.state import ClusterState, is_complete, read
from ops.cluster.target import existing_cluster


def status(stack: Stack = DEFAULT_STACK, kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Print phases, pods, PVCs and budget; exit 1 when a pod is missing or not ready."""
    planned = plan(load(stack))
    target = existing_cluster(stack, kubeconfig)
    state = read(target, *planned.namespaces, context=planned.settings.context)
    if as_json:
        typer.echo(json.dumps(document(planned, state), indent=2))
    else:
        show(planned, state)
    raise typer.Exit(0 if is_complete(planned, state) else 1)


def show(planned: Plan, state: ClusterState) -> None:
    """Print the state as tables, and the ledger."""
    console = Console(soft_wrap=True, highlight=False)
    console.print(pod_table(planned, state), claim_table(state))
    console.print(planned.ledger.text(), end="")


def document(planned: Plan, state: ClusterState) -> dict[str, object]:
    """Return the state as JSON."""
    return {"complete": is_complete(planned, state), "phase": planned.settings.phase, **dataclasses.asdict(state)}


def pod_table(planned: Plan, state: ClusterState) -> Table:
    table = Table("Phase", "Workload", "Pod", "State", "Node", title="Pods", title_justify="left")
    for line in planned.ledger.lines:
        for pod in (pod for pod in state.pods if pod.workload == line.name):
            table.add_row(str(line.phase), line.name, pod.name, "Ready" if pod.is_ready else pod.reason, pod.node)
    return table


def claim_table(state: ClusterState) -> Table:
    table = Table("Claim", "Size", "State", title="Claims", title_justify="left")
    for claim in state.claims:
        table.add_row(claim.name, claim.size, claim.state)
    return table
