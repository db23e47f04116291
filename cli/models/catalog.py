"""`synapse models catalog`: the models that are built in, and what of them fits on a card."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import output
from cli.options import AsJson
from infra.catalog import model_catalog
from infra.catalog.model_catalog import CatalogModel
from infra.plan.fit import fit
from infra.plan.model_fit import card_gpu
from infra.quantities import gib
from infra.settings.engine_services import VllmService
from infra.sizing.budget import Gpu
from infra.sizing.weights import stored_weights

COLUMNS = ("Model", "Tasks", "Weights", "Context", "Licence", "Token")
DTYPE = "bfloat16"
Card = Annotated[
    str | None,
    typer.Option("--card", metavar="CARD", help="Card, such as rtx-5090: adds the longest context that fits on it."),
]


def catalog(card: Card = None, as_json: AsJson = False) -> None:
    """List the models of the catalog; with a card, the longest context of one sequence that fits in a vLLM."""
    gpu = card_gpu(card) if card else None
    entries = [_entry(model_catalog.find(name), gpu) for name in model_catalog.names()]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
        return
    table = Table(*COLUMNS, *([f"On {gpu.name}"] if gpu else []))
    for entry in entries:
        table.add_row(*_cells(entry))
    output.show(table)


def _entry(model: CatalogModel, gpu: Gpu | None) -> dict[str, Any]:
    spec = model.spec
    longest = {"fits": _longest(model, gpu)} if gpu else {}
    return {
        "model": model.name,
        "tasks": list(model.tasks),
        "weights": stored_weights(spec, DTYPE),
        "context": spec.context_tokens,
        "licence": spec.licence,
        "gated": spec.gated,
        **longest,
    }


def _longest(model: CatalogModel, gpu: Gpu) -> int:
    """Return the longest context of one sequence that fits; 0 where none does."""
    service = VllmService(
        model=model.name,
        context_tokens=model.spec.context_tokens,
        sequences=1,
        task="chat" if "chat" in model.tasks else "embeddings",
    )
    return fit(service, {model.name: model.spec}, gpu.memory, gpu.free).context_tokens


def _cells(entry: dict[str, Any]) -> tuple[str, ...]:
    longest = [f"{entry['fits']:,}" if entry["fits"] else "does not fit"] if "fits" in entry else []
    return (
        entry["model"],
        ", ".join(entry["tasks"]),
        gib(entry["weights"]),
        f"{entry['context']:,}",
        entry["licence"] or "not known",
        "needed" if entry["gated"] else "-",
        *longest,
    )
