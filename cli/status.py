"""`synapse status`: pods and PVCs of a stack in the cluster, phase by phase, beside its budget."""

import dataclasses
import json
from typing import Final

import typer
from rich.table import Table

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Stack
from infra.plan.stack import Plan, plan
from infra.quantities import gib
from infra.settings.loader import load
from ops.cluster.state import ClusterState, PodState, is_complete, read
from ops.cluster.target import existing_cluster

UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


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
    output.show(pod_table(planned, state), claim_table(state))
    typer.echo(planned.ledger.text(), nl=False)


def document(planned: Plan, state: ClusterState) -> dict[str, object]:
    """Return the state as JSON."""
    return {"complete": is_complete(planned, state), "phase": planned.settings.phase, **dataclasses.asdict(state)}


def pod_table(planned: Plan, state: ClusterState) -> Table:
    headings = ("Phase", "Workload", "Pod", "State", "Restarts", "Age", "Memory", "Image", "Node")
    table = Table(*headings, title="Pods", title_justify="left")
    for line in planned.ledger.lines:
        for pod in (pod for pod in state.pods if pod.workload == line.name):
            table.add_row(str(line.phase), line.name, *_cells(pod))
    return table


def claim_table(state: ClusterState) -> Table:
    table = Table("PVC", "Size", "State", title="PVCs", title_justify="left")
    for claim in state.claims:
        table.add_row(claim.name, claim.size, claim.state)
    return table


def age(seconds: int) -> str:
    """Return the time in its largest unit: `3 h`."""
    unit, length = next(((unit, length) for unit, length in UNITS if seconds >= length), UNITS[-1])
    return f"{seconds // length} {unit}"


def short_image(image: str) -> str:
    """Return an image without its registry, and its digest shortened: `vllm-openai:v0.30.0`, or `name@sha256:0123`."""
    name, _, digest = image.partition("@")
    name = name.rpartition("/")[2]
    return name if ":" in name or not digest else f"{name}@{digest[:11]}"


def _cells(pod: PodState) -> tuple[str, ...]:
    memory = "-" if pod.memory is None else gib(pod.memory)
    images = ", ".join(map(short_image, pod.images))
    state = "Ready" if pod.is_ready else pod.reason
    return pod.name, state, str(pod.restarts), age(pod.age_s), memory, images, pod.node
