"""`synapse models pull`: download models to the places where their services look for them."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.models.connections import backend_client, cluster_pods, planned, worker
from cli.models.listing import place
from cli.models.options import Names, Service
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.quantities import gib
from ops.cluster.pods import ServicePods
from ops.models import ollama
from ops.models.inventory import ModelError, StackModel, additional_model, find, models, weights
from ops.models.jobs import download_job, image, room_job

NAME_LENGTH = 40
"""Characters of a file's name that are shown, from its end."""
DownloadEvent = Mapping[str, Any]
Sha256 = Annotated[
    str | None,
    typer.Option("--sha256", metavar="HEX", help="Expected digest of the file; default: the hub's."),
]


def pull(  # noqa: PLR0913, PLR0917 - a command has its options
    names: Names = None,
    service: Service = None,
    sha256: Sha256 = None,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    as_json: AsJson = False,
) -> None:
    """Download models to their PVCs, if they fit, and verify them; a llama.cpp accepts an address as MODEL, too."""
    plan = planned(stack, phase, kubeconfig)
    selected = list(_selected(plan, names or [], service))
    if not selected:
        typer.echo(
            f"nothing to download: the services of {stack} bring their models, or fetch them themselves", err=True
        )
    if sha256 and (len(selected) != 1 or selected[0].kind != "file"):
        names = [model.name for model in selected]
        raise ModelError(f"--sha256: got {', '.join(names)}; accepted: one model that is one file")
    with cluster_pods(plan, stack, kubeconfig) as cluster:
        results = [_pull(plan, cluster, model, sha256, as_json=as_json) for model in selected]
    if as_json:
        typer.echo(json.dumps(results, indent=2))


def _selected(plan: Plan, names: list[str], service: str | None) -> Iterator[StackModel]:
    """Yield models of the stack or, for a service that is named, additional ones. Raises ModelError."""
    if not names:
        yield from (model for model in models(plan) if model.kind != "service")
    for name in names:
        try:
            model = find(plan, name, service)
        except ModelError:
            if service is None:
                raise
            model = additional_model(plan, name, service)
        if model.kind == "service":
            raise ModelError(f"{name}: {model.service.service_name} provides it; there is nothing to download")
        yield model


def _pull(plan: Plan, cluster: ServicePods, model: StackModel, sha256: str | None, *, as_json: bool) -> dict[str, Any]:
    files = dict[str, DownloadEvent]()
    with Bars(is_shown=not as_json) as bars:
        for event in _events(plan, cluster, model, sha256):
            files[event["file"]] = event
            bars.show(event)
    size = sum(event["size"] for event in files.values())
    if not as_json:
        states = sorted({event.get("state", "fetched") for event in files.values()})
        typer.echo(f"{model.name}: {len(files)} files, {gib(size)}, {' and '.join(states)}; on {place(model)}")
    summary = {"model": model.name, "service": model.service.service_name, "place": place(model), "bytes": size}
    return {**summary, "files": list(files.values())}


def _events(plan: Plan, cluster: ServicePods, model: StackModel, sha256: str | None) -> Iterator[DownloadEvent]:
    if model.kind == "ollama":
        yield from _ollama_events(plan, cluster, model)
    else:
        yield from worker(cluster).run(download_job(plan, model, image(plan, cluster), sha256))


def _ollama_events(plan: Plan, cluster: ServicePods, model: StackModel) -> Iterator[DownloadEvent]:
    """Check the space on the disk, which Ollama does not check, and let Ollama download the model."""
    with backend_client(cluster, model.service) as http:
        size = weights(plan, model)
        if size and model.name not in ollama.names(http, "/api/tags"):
            _check_room(plan, cluster, model, size)
        yield from ollama.pull(http, model.name)


def _check_room(plan: Plan, cluster: ServicePods, model: StackModel, size: int) -> None:
    """Raises ModelError. The early phases have no gateway whose image could do it, and Ollama needs none."""
    try:
        job = room_job(model, image(plan, cluster), size)
    except ModelError as error:
        typer.echo(f"{model.name}: the space on the disk is not checked: {error}", err=True)
        return
    for _ in worker(cluster).run(job):
        pass


class Bars:
    """A progress bar on stderr for each file."""

    def __init__(self, *, is_shown: bool) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not is_shown)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: DownloadEvent) -> None:
        name = event["file"]
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name[-NAME_LENGTH:], total=event["size"])
        self._progress.update(self._tasks[name], completed=event["done"])
