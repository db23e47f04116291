"""`synapse status`: the stack as the cluster has it, phase by phase, beside its budget."""

import dataclasses
import json

import typer
from rich.console import Console
from rich.table import Table

from cli.options import AsJson, Kubeconfig, Stack
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.state import ClusterState, read
from ops.cluster.target import existing_cluster


def status(stack: Stack = "forge", kubeconfig: Kubeconfig = None, as_json: AsJson = False) -> None:
    """Print phases, pods, claims and budget; exit 1 when a pod is not ready or missing."""
    planned = plan(load(stack))
    target = existing_cluster(stack, kubeconfig)
    state = read(target, *planned.namespaces, context=planned.settings.context)
    if as_json:
        typer.echo(json.dumps(document(planned, state), indent=2))
    else:
        show(planned, state)
    raise typer.Exit(0 if is_complete(planned, state) else 1)


def show(planned: Plan, state: ClusterState) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(pods(planned, state), claims(state))
    console.print(planned.ledger.text(), end="")


def document(planned: Plan, state: ClusterState) -> dict[str, object]:
    """The same for programs."""
    return {"complete": is_complete(planned, state), "phase": planned.settings.phase, **dataclasses.asdict(state)}


def is_complete(planned: Plan, state: ClusterState) -> bool:
    """Whether every workload of the plan has all of its pods, and each can serve."""
    ready = [pod.workload for pod in state.pods if pod.is_ready]
    lasting = [line for line in planned.ledger.lines if line.is_lasting]
    return state.is_ready and all(ready.count(line.name) == line.replicas for line in lasting)


def pods(planned: Plan, state: ClusterState) -> Table:
    table = Table("Phase", "Workload", "Pod", "State", "Node", title="Pods", title_justify="left")
    for line in planned.ledger.lines:
        for pod in (pod for pod in state.pods if pod.workload == line.name):
            table.add_row(str(line.phase), line.name, pod.name, "Ready" if pod.is_ready else pod.reason, pod.node)
    return table


def claims(state: ClusterState) -> Table:
    table = Table("Claim", "Size", "State", title="Claims", title_justify="left")
    for claim in state.claims:
        table.add_row(claim.name, claim.size, claim.state)
    return table
