"""`synapse models list`: what the plan says of every model, and what its service says."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from cli.models.options import Key, backend, cluster_pods, gateway, planned, where
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.service import Placed
from infra.plan.stack import Plan
from infra.quantities import gib
from infra.settings.services import EngineService, OllamaService
from infra.sizing.host_memory import load
from ops.cluster.pods import ServicePods
from ops.errors import WrongAnswerError
from ops.gateway.client import GatewayClient
from ops.gateway.responses import ModelList
from ops.models import ollama
from ops.models.inventory import Model, models
from tools.errors import ToolsError

COMES: Final[Mapping[str, str]] = {
    "ollama": "Ollama's registry",
    "file": "an address",
    "snapshot": "the Hugging Face hub",
    "own": "its service",
}
COLUMNS: Final = ("Model", "Service", "Comes from", "Lives on", "Weights", "State")
UNKNOWN: Final = "?"
ASK_S: Final = 20.0


def show(
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List every model of the stack, where it lives and its weights; its state too where the cluster runs."""
    plan = planned(stack, phase)
    states = _states(plan, stack, kubeconfig, key)
    entries = [entry(plan, model, states) for model in models(plan)]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    table = Table()
    for column in COLUMNS:
        table.add_column(column, overflow="fold")  # a name is to be copied whole
    for found in entries:
        table.add_row(*_cells(found))
    Console(highlight=False).print(table)


def _cells(found: Mapping[str, object]) -> tuple[str, ...]:
    """Of an address its host, of a place its claim; all of both is in the document."""
    source, size = str(found["from"]), found["weights"]
    weights = gib(size) if isinstance(size, int) else "-"
    named = (str(found[name]) for name in ("model", "service"))
    return (
        *named,
        urlsplit(source).hostname or source,
        str(found["place"]).partition(":")[0],
        weights,
        str(found["state"]),
    )


def entry(plan: Plan, model: Model, states: Mapping[tuple[str, str], str]) -> dict[str, object]:
    source = model.url or COMES[model.kind]
    return {
        "model": model.name,
        "service": model.service.service_name,
        "from": source,
        "place": where(model),
        "weights": weights(plan, model),
        "state": states.get(model.key, UNKNOWN),
    }


def weights(plan: Plan, model: Model) -> int | None:
    """Bytes of its weights by its card; None where it has none."""
    options, card = model.service.options, plan.settings.cards.get(model.card or "")
    if card is None:
        return None
    if isinstance(options, EngineService):
        found = model.service.vram
        return found.weights * options.tensor_parallel if found else None
    quantizations = {known.name: known.quantization for known in getattr(options, "models", ())}
    return load(model.name, card, quantizations.get(model.name, "f16"), 1, 1).weights


def _states(plan: Plan, stack: str, kubeconfig: Path | None, key: str | None) -> dict[tuple[str, str], str]:
    """What is known of them; nothing without a cluster."""
    found: dict[tuple[str, str], str] = {}
    with suppress(ToolsError, SynapseError), cluster_pods(plan, stack, kubeconfig) as known:
        for service in plan.services:
            with suppress(SynapseError):
                names = [model.name for model in models(plan) if model.service is service]
                found |= {(service.name, name): state for name, state in _asked(known, service, names).items()}
    if any(service.backend.adapter == "llama-router" for service in plan.services):
        with suppress(ToolsError, SynapseError, WrongAnswerError), gateway(plan, stack, None, kubeconfig, key) as http:
            listed = GatewayClient(http, ASK_S).json(ModelList, "GET", "/models").data
            routers = [service.name for service in plan.services if service.backend.adapter == "llama-router"]
            found |= {(name, model.id): model.status.value for name in routers for model in listed}
    return found


def _asked(known: ServicePods, service: Placed, names: list[str]) -> dict[str, str]:
    """A service that is ready has its models, but an Ollama may lack them, and a router loads them when told."""
    if isinstance(service.options, OllamaService):
        with backend(known, service) as http:
            here, loaded = ollama.names(http, "/api/tags"), ollama.names(http, "/api/ps")
        return {name: "loaded" if name in loaded else "on disk" if name in here else "missing" for name in names}
    if service.backend.adapter == "llama-router":
        return {}
    known.ready_pod(service.service_name)
    return dict.fromkeys(names, "loaded")
