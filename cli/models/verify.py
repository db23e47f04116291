"""`synapse models verify`: what each model takes by its own file, beside what the ledger counts with."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.models.options import Names, Service, cluster_pods, image, planned, worker
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.quantities import gib
from infra.sizing import model_files
from infra.sizing.model_specs import ModelCard
from ops.models.estimate import Estimate, Parts, estimate
from ops.models.inventory import Model, ModelError, find, models
from ops.models.worker import Work
from ops.models.worker_bundle import READING

File = Annotated[
    Path | None,
    typer.Option(
        "--file", exists=True, help="Read this GGUF file or folder of safetensors for the one model, no claim."
    ),
]
Found = tuple[Model, ModelCard | str]
"""A model, and its card or why there is none."""


def verify(  # noqa: PLR0913, PLR0917 - a command has its options
    names: Names = None,
    service: Service = None,
    file: File = None,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    as_json: AsJson = False,
) -> None:
    """Read the headers of the models' files where they lie; exit 1 for one that takes more than its claim."""
    plan = planned(stack, phase)
    wanted = [find(plan, name, service) for name in names or []] or [m for m in models(plan) if m.kind != "own"]
    if not wanted:
        typer.echo(f"nothing to verify: the services of {stack} bring their models by themselves", err=True)
    found = _of_file(wanted, file) if file else list(_of_claims(plan, wanted, stack, kubeconfig))
    estimates = [estimate(model, card, plan.settings.cards) for model, card in found if isinstance(card, ModelCard)]
    faults = {model.name: card for model, card in found if isinstance(card, str)}
    if as_json:
        typer.echo(json.dumps({"models": [_entry(each) for each in estimates], "faults": faults}, indent=2))
    else:
        _show(estimates, faults)
    raise typer.Exit(0 if not faults and all(each.fits for each in estimates) else 1)


def _of_file(wanted: Sequence[Model], file: Path) -> list[Found]:
    """Raises ModelError unless one model is named, and ModelFileError."""
    if len(wanted) != 1:
        raise ModelError(f"--file is of one model: name it; accepted: {', '.join(model.name for model in wanted)}")
    return [(wanted[0], model_files.card(file)[0])]


def _of_claims(plan: Plan, wanted: Sequence[Model], stack: str, kubeconfig: Path | None) -> Iterator[Found]:
    """One pod for each claim reads all that is on it. Raises ModelError for a model that a service brings."""
    by_disk: dict[tuple[str, str, int], list[Model]] = {}
    for model in wanted:
        if model.kind == "own" or not model.disk:
            who = model.service.service_name
            raise ModelError(f"{model.name}: {who} brings it by itself; name a file of it with --file")
        by_disk.setdefault((model.disk.name, model.disk.mount, model.service.backend.user), []).append(model)
    if not by_disk:
        return
    with cluster_pods(plan, stack, kubeconfig) as known:
        python = image(plan, known)
        for kept in by_disk.values():
            yield from zip(kept, map(_card, worker(known).run(work(kept, python))), strict=True)


def work(kept: Sequence[Model], image: str) -> Work:
    """What a pod is to do to have the headers of *kept* read, which lie on one claim."""
    disk, order = kept[0].disk, [{"kind": model.kind, "path": model.path, "name": model.name} for model in kept]
    assert disk is not None  # noqa: S101 - they lie there
    return Work(
        module=READING, order=json.dumps({"models": order}), disk=disk, user=kept[0].service.backend.user, image=image
    )


def _card(event: dict[str, Any]) -> ModelCard | str:
    return str(event["fault"]) if "fault" in event else ModelCard(**event["card"])


def _entry(found: Estimate) -> dict[str, Any]:
    parts = {name: dataclasses.asdict(each) | {"total": each.total} for name, each in _sides(found)}
    about = {"model": found.model.name, "service": found.model.service.service_name, "memory": found.memory}
    return {**about, **parts, "claim": found.claim, "fits": found.fits}


def _sides(found: Estimate) -> Iterator[tuple[str, Parts]]:
    if found.ledger:
        yield "ledger", found.ledger
    yield "file", found.found


def _show(estimates: Sequence[Estimate], faults: dict[str, str]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table("Model", "Service", "By", "Weights", "KV cache", "Other", "Sum", "Claim", "")
    for found in estimates:
        for number, (side, parts) in enumerate(_sides(found)):
            names = (found.model.name, found.model.service.service_name) if number == 0 else ("", "")
            figures = map(gib, (parts.weights, parts.kv_cache, parts.other, parts.total))
            verdict = "" if side == "ledger" else "[green]fits[/]" if found.fits else "[red]DOES NOT FIT[/]"
            table.add_row(*map(escape, names), side, *figures, f"{gib(found.claim)} {found.memory}", verdict)
    if estimates:
        console.print(table)
    for name, fault in faults.items():
        console.print(f"{name}: {fault}", markup=False)
