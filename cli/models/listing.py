"""`synapse models list`: the models of the plan, with the state that their services report."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import typer
from rich.table import Table

from cli import output
from cli.models.connections import backend_client, cluster_pods, gateway_client, planned
from cli.models.options import Key
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import gib
from ops.cluster.connection import check_reachable
from ops.cluster.pods import ServicePods
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.responses import ModelList
from ops.models import ollama
from ops.models.inventory import StackModel, models, weights
from tools.errors import ToolsError

SOURCES: Final[Mapping[str, str]] = {
    "ollama": "Ollama's registry",
    "file": "an address",
    "snapshot": "the Hugging Face hub",
    "service": "its service",
}
COLUMNS: Final = ("Model", "Service", "Comes from", "Lives on", "Weights", "State")
UNKNOWN: Final = "?"
TIMEOUT_S: Final = 20.0


def show(
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List the models of the stack with their places and weights, and with their states if the cluster runs."""
    plan = planned(stack, phase)
    if kubeconfig:
        check_reachable(kubeconfig, plan.settings.context)
    states = _states(plan, stack, kubeconfig, key)
    entries = [entry(plan, model, states) for model in models(plan)]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    table = Table()
    for column in COLUMNS:
        table.add_column(column, overflow="fold")  # names are to be copied, so none is cut short
    for row in entries:
        table.add_row(*_cells(row))
    output.show(table)


def _cells(row: Mapping[str, object]) -> tuple[str, ...]:
    """Shorten an address to its host and a place to its PVC; the JSON document has both in full."""
    source, size = str(row["from"]), row["weights"]
    weights = gib(size) if isinstance(size, int) else "-"
    return (
        str(row["model"]),
        str(row["service"]),
        urlsplit(source).hostname or source,
        str(row["place"]).partition(":")[0],
        weights,
        str(row["state"]),
    )


def entry(plan: Plan, model: StackModel, states: Mapping[tuple[str, str], str]) -> dict[str, object]:
    source = model.url or SOURCES[model.kind]
    return {
        "model": model.name,
        "service": model.service.service_name,
        "from": source,
        "place": place(model),
        "weights": weights(plan, model),
        "state": states.get(model.key, UNKNOWN),
    }


def place(model: StackModel) -> str:
    """Return the PVC of *model* and its path there."""
    if model.disk is None:
        return "-"
    return f"{model.disk.name}:{model.path}" if model.path else model.disk.name


def _states(plan: Plan, stack: str, kubeconfig: Path | None, key: str | None) -> dict[tuple[str, str], str]:
    """Return the state of each model by service and name; none without a cluster."""
    states: dict[tuple[str, str], str] = {}
    with suppress(ToolsError, SynapseError), cluster_pods(plan, stack, kubeconfig) as cluster:
        for service in plan.services:
            with suppress(SynapseError):
                names = [model.name for model in models(plan) if model.service is service]
                states |= {
                    (service.name, name): state for name, state in _service_states(cluster, service, names).items()
                }
    routers = [service.name for service in plan.services if service.options.model_loading == "router"]
    if routers:
        with (
            suppress(ToolsError, SynapseError, WrongAnswerError),
            gateway_client(plan, stack, None, kubeconfig, key) as http,
        ):
            listed = GatewayClient(http, TIMEOUT_S).json(ModelList, "GET", "/models").data
            states |= {(name, model.id): model.status.value for name in routers for model in listed}
    return states


def _service_states(cluster: ServicePods, service: ServicePlan, names: list[str]) -> dict[str, str]:
    """Return the states of the models of one service: loaded once it is ready, unless an Ollama lacks some.

    A router reports the states of its models through the gateway.
    """
    if service.options.model_loading == "ollama":
        with backend_client(cluster, service) as http:
            stored, loaded = ollama.names(http, "/api/tags"), ollama.names(http, "/api/ps")
        return {name: "loaded" if name in loaded else "on disk" if name in stored else "missing" for name in names}
    if service.options.model_loading == "router":
        return {}
    cluster.ready_pod(service.service_name)
    return dict.fromkeys(names, "loaded")
