"""`synapse models spec`: the figures of a model that decide its memory, read from its small files."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli import output
from cli.models.options import Files
from cli.options import AsJson
from infra.plan.cache_cost import CacheCost, cache_cost
from infra.quantities import gib
from ops.models.model_source import CATALOG, NamedModel, of_argument

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Model of the catalog, OWNER/NAME of the Hugging Face hub, OWNER/NAME/FILE.gguf, the address of a GGUF "
        "file, or a path: a folder of safetensors, its config.json, or a GGUF file.",
    ),
]


def spec(name: Model, files: Files = None, as_json: AsJson = False) -> None:
    """Print the model spec: layers by what they keep, weights, context, and the cost of the cache."""
    model = of_argument(name, files)
    if as_json:
        typer.echo(json.dumps(document(model), indent=2))
        return
    rows = list(_rows(model, cache_cost(model.spec)))
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        output.say(f"{label:<{width}}  {text}")


def document(model: NamedModel) -> dict[str, Any]:
    """Return the spec as JSON: sizes in bytes."""
    spec = dataclasses.asdict(model.spec)
    layers = [group | {"text": each.text} for group, each in zip(spec.pop("groups"), model.spec.groups, strict=True)]
    details = {"name": model.name, "source": model.source, "tasks": list(model.entry.tasks) if model.entry else None}
    return {
        **details,
        **spec,
        "groups": layers,
        "weights": model.stored,
        "cache": dataclasses.asdict(cache_cost(model.spec)),
    }


def _rows(model: NamedModel, cost: CacheCost) -> Iterator[tuple[str, str]]:
    spec = model.spec
    yield "Model", model.name
    yield "Figures from", f"the {CATALOG}: {model.entry.source}" if _is_listed(model) and model.entry else model.source
    if model.entry:
        yield "Tasks", ", ".join(model.entry.tasks)
    yield "Parameters", f"{spec.parameters:,}{' (estimated from the size)' if spec.quantization else ''}"
    yield "Weights", f"{gib(model.stored)} ({model.stored:,} bytes), {spec.quantization or 'not quantised'}"
    yield "Context", f"{spec.context_tokens:,} tokens"
    yield "Layers", ", ".join(group.text for group in spec.groups)
    yield "Heads", f"{spec.heads or 'not known'}, {spec.kv_heads} for keys and values"
    yield "Vision", "yes" if spec.vision else "no"
    yield "Draft layers", str(spec.draft_layers or "none")
    yield "Cache dtype", spec.kv_dtype or "that of the weights (auto)"
    yield from _costs(model, cost)
    yield "Licence", spec.licence or "not known; see the page of the model"
    if model.entry or spec.gated:
        yield "Access", "gated: the stack needs hfToken" if spec.gated else "free"


def _is_listed(model: NamedModel) -> bool:
    return model.source == CATALOG


def _costs(model: NamedModel, cost: CacheCost) -> Iterator[tuple[str, str]]:
    if not cost.sequence:
        yield "Cache", "none: it keeps nothing of a sequence"
        return
    parts = [
        f"{cost.token:,} bytes" if cost.token else "",
        f"{cost.window_token:,} bytes up to its window" if cost.window_token else "",
    ]
    yield "One token", f"{' and '.join(filter(None, parts)) or 'nothing'} of cache in {cost.dtype}"
    state = f", of which {gib(cost.state)} are its recurrent state" if cost.state else ""
    yield "One sequence", f"{gib(cost.sequence)} with {model.spec.context_tokens:,} tokens{state}"
