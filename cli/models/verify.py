"""`synapse models verify`: memory of each model by the header of its file, compared with the ledger."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli import output
from cli.models.connections import cluster_pods, planned, worker
from cli.models.options import Names, Service
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.quantities import gib
from infra.settings.services import ModelMemory
from infra.sizing.specs import model_files
from infra.sizing.specs.model_spec import ModelSpec
from ops.models.estimate import Estimate, estimate
from ops.models.inventory import ModelError, StackModel, find, models
from ops.models.jobs import headers_job, image

File = Annotated[
    Path | None,
    typer.Option(
        "--file", exists=True, help="GGUF file or folder of safetensors on this machine, instead of the one on the PVC."
    ),
]
Header = tuple[StackModel, ModelSpec | str]
"""A model with its model spec, or with the reason why there is none."""


def verify(  # noqa: PLR0913, PLR0917 - a command has its options
    names: Names = None,
    service: Service = None,
    file: File = None,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    as_json: AsJson = False,
) -> None:
    """Compare the headers of model files with the ledger; exit 1 if a model needs more than its resource claim."""
    plan = planned(stack, phase)
    selected = [find(plan, name, service) for name in names or []]
    selected = selected or [model for model in models(plan) if model.kind != "service"]
    if not selected:
        typer.echo(f"nothing to verify: the services of {stack} provide their models", err=True)
    headers = _read_file(selected, file) if file else list(_read_claims(plan, selected, stack, kubeconfig))
    estimates = [
        estimate(model, spec, plan.settings.model_specs) for model, spec in headers if isinstance(spec, ModelSpec)
    ]
    faults = {model.name: spec for model, spec in headers if isinstance(spec, str)}
    if as_json:
        typer.echo(json.dumps({"models": [_entry(each) for each in estimates], "faults": faults}, indent=2))
    else:
        _show(estimates, faults)
    raise typer.Exit(0 if not faults and all(each.fits for each in estimates) else 1)


def _read_file(selected: Sequence[StackModel], file: Path) -> list[Header]:
    """Raises ModelError unless one model is named, and ModelFileError."""
    if len(selected) != 1:
        names = ", ".join(model.name for model in selected)
        raise ModelError(f"--file: name the model of the file; accepted: {names}")
    return [(selected[0], model_files.model_spec(file)[0])]


def _read_claims(plan: Plan, selected: Sequence[StackModel], stack: str, kubeconfig: Path | None) -> Iterator[Header]:
    """Read all models of a PVC in one pod. Raises ModelError for a model that its service provides."""
    by_disk: dict[tuple[str, str, int], list[StackModel]] = {}
    for model in selected:
        if model.kind == "service" or not model.disk:
            service = model.service.service_name
            raise ModelError(f"{model.name}: {service} provides it; pass a file of it with --file")
        by_disk.setdefault((model.disk.name, model.disk.mount, model.service.backend.user), []).append(model)
    if not by_disk:
        return
    with cluster_pods(plan, stack, kubeconfig) as cluster:
        gateway_image = image(plan, cluster)
        for stored in by_disk.values():
            events = worker(cluster).run(headers_job(stored, gateway_image))
            yield from zip(stored, map(_spec, events), strict=True)


def _spec(event: dict[str, Any]) -> ModelSpec | str:
    return str(event["fault"]) if "fault" in event else ModelSpec.from_json(event["spec"])


def _entry(result: Estimate) -> dict[str, Any]:
    parts = {name: dataclasses.asdict(each) | {"total": each.total} for name, each in _sides(result)}
    summary = {"model": result.model.name, "service": result.model.service.service_name, "memory": result.memory}
    return {**summary, **parts, "claim": result.claim, "fits": result.fits}


def _sides(result: Estimate) -> Iterator[tuple[str, ModelMemory]]:
    if result.ledger:
        yield "ledger", result.ledger
    yield "file", result.file


def _show(estimates: Sequence[Estimate], faults: dict[str, str]) -> None:
    table = Table("Model", "Service", "By", "Weights", "KV cache", "Other", "Sum", "Claim", "")
    for result in estimates:
        for number, (side, parts) in enumerate(_sides(result)):
            names = (result.model.name, result.model.service.service_name) if number == 0 else ("", "")
            figures = map(gib, (parts.weights, parts.kv_cache, parts.other, parts.total))
            verdict = Text("fits", style="green") if result.fits else Text("DOES NOT FIT", style="red")
            claim = f"{gib(result.claim)} {result.memory}"
            table.add_row(*names, side, *figures, claim, "" if side == "ledger" else verdict)
    if estimates:
        output.show(table)
    for name, fault in faults.items():
        output.say(f"{name}: {fault}")
