"""`synapse fit`: the memory of a model on a card, and what else of it would fit."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from cli import output
from cli.models.options import Files
from cli.options import DEFAULT_STACK, AsJson, Stack
from cli.proof.options import Card, Context, Model, Sequences
from infra.errors import SettingsError
from infra.plan.fit import counted
from infra.plan.model_fit import ModelFit, card_gpu, model_fit
from infra.quantities import gib
from infra.settings.engine_services import VllmService
from infra.settings.error_messages import messages
from infra.settings.loader import load
from infra.settings.model import Settings
from infra.settings.presets import DEFAULT_PRESET, PRESETS
from infra.sizing.budget import Gpu
from ops.models.model_source import NamedModel, own_specs, resolve

STYLES = {"fits": "green", "tight": "yellow", "does not fit": "red"}
KvDtype = Annotated[
    str, typer.Option("--kv-dtype", metavar="TYPE", help="Type of the KV cache, such as fp8; auto: the checkpoint's.")
]
Eager = Annotated[bool, typer.Option("--eager/--graphs", help="Run without CUDA graphs, or with them.")]
Gpus = Annotated[int, typer.Option("--gpus", min=1, max=16, help="GPUs that the engine is spread over.")]


def fit(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Model,
    card: Card = None,
    stack: Stack = DEFAULT_STACK,
    context: Context = None,
    sequences: Sequences = None,
    kv_dtype: KvDtype = "auto",
    eager: Eager = True,
    gpus: Gpus = 1,
    files: Files = None,
    as_json: AsJson = False,
) -> None:
    """Calculate the memory of a model in a vLLM on a card; exit 1 when it does not fit."""
    settings = None if card else load(stack)
    gpu = _stack_gpu(settings, stack, gpus) if settings else card_gpu(str(card))
    model = resolve(name, files, own_specs(settings) if settings else None)
    options = {"kv_dtype": kv_dtype, "eager": eager, "tensor_parallel": gpus}
    service = _service(model, _sizes(model, context, sequences) | options)
    result = model_fit(service, {model.name: model.spec}, gpu)
    typer.echo(json.dumps(document(model, result), indent=2)) if as_json else _show(model, result)
    raise typer.Exit(1 if result.verdict == "does not fit" else 0)


def document(model: NamedModel, result: ModelFit) -> dict[str, Any]:
    """Return the result as JSON: sizes in bytes."""
    service = result.service
    return {
        "model": model.name,
        "gpu": dataclasses.asdict(result.gpu) | {"free": result.gpu.free},
        "gpus": service.tensor_parallel,
        "context": service.context_tokens,
        "sequences": service.sequences,
        "parts": {part.name: part.size for part in result.vram.parts},
        "total": result.vram.total,
        "left": result.left,
        "error": service.error,
        "verdict": result.verdict,
        "longestContext": result.longest_context,
        "mostSequences": result.most_sequences,
        "sharedTokens": result.shared_tokens,
        "sharedContexts": round(result.shared_contexts, 2),
    }


def _stack_gpu(settings: Settings, stack: str, count: int) -> Gpu:
    """Return the smallest of *count* GPUs of the stack. Raises SettingsError for a stack with fewer."""
    gpus = sorted(settings.node.capacity.gpus, key=lambda gpu: -gpu.free)
    if len(gpus) < count:
        number = f"{len(gpus)} GPUs of the {count} in --gpus" if gpus else "no GPU"
        raise SettingsError(f"the stack {stack} has {number}; accepted: --card CARD, or another --stack")
    return gpus[count - 1]


def _sizes(model: NamedModel, context: int | None, sequences: int | None) -> dict[str, Any]:
    preset = PRESETS[DEFAULT_PRESET]
    return {
        "context_tokens": context or min(preset.context_tokens, model.spec.context_tokens),
        "sequences": sequences or preset.sequences,
    }


def _service(model: NamedModel, options: dict[str, Any]) -> VllmService:
    """Return the options of a vLLM with the model. Raises SettingsError."""
    tasks = model.entry.tasks if model.entry else ("chat",)
    values = {"model": model.name, "task": "chat" if "chat" in tasks else tasks[0], **options}
    try:
        service = VllmService.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(messages(error, VllmService))) from error
    if model.spec.quantization == "gguf":
        raise SettingsError(f"{model.name}: a GGUF file, for Ollama or llama.cpp; accepted: a model in safetensors")
    if errors := list(service.errors({model.name: model.spec}, ())):
        raise SettingsError("\n".join(errors))
    return service


def _show(model: NamedModel, result: ModelFit) -> None:
    service, gpu = result.service, result.gpu
    each = f"each of {service.tensor_parallel} x {gpu.name}" if service.tensor_parallel > 1 else gpu.name
    output.say(f"{model.name} on {each}: {result.verdict}", STYLES[result.verdict])
    table = Table("Memory", "")
    for part in result.vram.parts:
        table.add_row(part.name, gib(part.size))
    table.add_row("sum", gib(result.vram.total))
    table.add_row("usable", gib(gpu.free))
    table.add_row("left" if result.left >= 0 else "missing", gib(abs(result.left)))
    output.show(table)
    for line in _lines(result):
        output.say(line)


def _lines(result: ModelFit) -> Iterator[str]:
    """Yield the verdict's reason, and what else would fit."""
    service, context = result.service, f"{result.service.context_tokens:,} tokens"
    if result.verdict == "tight":
        yield f"Less is left than the {gib(service.error)} by which the figures may be wrong."
    yield f"Longest context of {counted(service.sequences)}: {_tokens(result.longest_context)}"
    yield f"Most sequences of {context}: {result.most_sequences or 'none'}"
    if result.shared_tokens:
        yield (
            f"Shared cache that takes what is left: {result.shared_tokens:,} tokens (cacheTokens), "
            f"{result.shared_contexts:.1f} full contexts of {context} at once"
        )


def _tokens(count: int) -> str:
    return f"{count:,} tokens" if count else "none fits"
