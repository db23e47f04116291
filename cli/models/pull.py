"""`synapse models pull`: get models to where their services look for them."""

import dataclasses
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

from cli.models.listing import weights
from cli.models.options import Names, Service, backend, cluster_pods, image, planned, where, worker
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan
from infra.quantities import gib
from ops.cluster.pods import ServicePods
from ops.models import hub, ollama
from ops.models.fetching import Order
from ops.models.inventory import Model, ModelError, another, find, models
from ops.models.worker import Work
from ops.models.worker_bundle import FETCHING

TOKEN_KEY = "hfToken"  # noqa: S105 - its key in the stack file
SHOWN = 40
"""Characters of a file's name, its end."""
Event = Mapping[str, Any]
Sha256 = Annotated[
    str | None, typer.Option("--sha256", metavar="HEX", help="Of the one file that is fetched; the hub tells its own.")
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
    """Fetch models to their claims: resumed, checked, and only where they fit. A llama.cpp takes an address too."""
    plan = planned(stack, phase)
    wanted = list(_wanted(plan, names or [], service))
    if sha256 and len(wanted) != 1:
        raise ModelError(f"--sha256 is of one file, and {len(wanted)} models are to be fetched")
    with cluster_pods(plan, stack, kubeconfig) as known:
        done = [_fetched(plan, known, model, sha256, as_json=as_json) for model in wanted]
    if as_json:
        typer.echo(json.dumps(done, indent=2))


def _wanted(plan: Plan, names: list[str], service: str | None) -> Iterator[Model]:
    """Those of the stack or, where a service is named, others that it can keep. Raises ModelError."""
    if not names:
        yield from (model for model in models(plan) if model.kind != "own")
    for name in names:
        try:
            found = find(plan, name, service)
        except ModelError:
            if service is None:
                raise
            found = another(plan, name, service)
        if found.kind == "own":
            raise ModelError(f"{name}: {found.service.service_name} brings or fetches it by itself")
        yield found


def _fetched(plan: Plan, known: ServicePods, model: Model, sha256: str | None, *, as_json: bool) -> dict[str, Any]:
    files = dict[str, Event]()
    with Bars(is_shown=not as_json) as bars:
        for event in _events(plan, known, model, sha256):
            files[event["file"]] = event
            bars.show(event)
    size = sum(event["size"] for event in files.values())
    if not as_json:
        states = sorted({event.get("state", "fetched") for event in files.values()})
        typer.echo(f"{model.name}: {len(files)} files, {gib(size)}, {' and '.join(states)}; on {where(model)}")
    about = {"model": model.name, "service": model.service.service_name, "place": where(model), "bytes": size}
    return {**about, "files": list(files.values())}


def _events(plan: Plan, known: ServicePods, model: Model, sha256: str | None) -> Iterator[Event]:
    if model.kind == "ollama":
        yield from _of_ollama(plan, known, model)
        return
    with hub.client() as http:
        order = hub.order(http, model, sha256)
    yield from worker(known).run(work(plan, model, order, image(plan, known)))


def _of_ollama(plan: Plan, known: ServicePods, model: Model) -> Iterator[Event]:
    """It fetches by itself, and would find out that the disk is too small when that is full."""
    with backend(known, model.service) as http:
        needed = weights(plan, model)
        if needed and model.name not in ollama.names(http, "/api/tags"):
            order = Order(root=model.path, room=needed)
            yield from worker(known).run(work(plan, model, order, image(plan, known)))
        yield from ollama.pull(http, model.name)


def work(plan: Plan, model: Model, order: Order, image: str) -> Work:
    """What a pod is to do to have *order* carried out beside the service of *model*."""
    assert model.disk is not None  # noqa: S101 - what is fetched has a place
    return Work(
        module=FETCHING,
        order=json.dumps(dataclasses.asdict(order)),
        disk=model.disk,
        user=model.service.backend.user,
        image=image,
        token=_token(plan, model, order),
    )


def _token(plan: Plan, model: Model, order: Order) -> tuple[str, str] | None:
    """The Secret with the hub's token, if the stack has one, for what comes from the hub."""
    service = model.service
    secrets = [secret for secret in service.backend.secrets if secret.config_key == TOKEN_KEY]
    is_of_hub = bool(order.items) and all(hub.is_of_hub(item.url) for item in order.items)
    if not (secrets and is_of_hub and TOKEN_KEY in plan.settings.secrets):
        return None
    return f"{service.service_name}-{secrets[0].secret}", secrets[0].key


class Bars:
    """A bar on stderr for each file that is on its way."""

    def __init__(self, *, is_shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not is_shown)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        name = event["file"]
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name[-SHOWN:], total=event["size"])
        self._progress.update(self._tasks[name], completed=event["done"])
