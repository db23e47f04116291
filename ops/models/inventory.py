"""Which models a stack has, and where each lives: both follow from its plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from infra.catalog.spec import Download, Volume
from infra.errors import SynapseError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

Kind = Literal["ollama", "file", "snapshot", "own"]
"""Ollama's own store, one file, a repository of the Hugging Face hub, or whatever its service brings or fetches."""
ENDING = ".gguf"


class ModelError(SynapseError):
    """A model that the stack does not have, or that cannot be had; the message says what can be done."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model as its service calls it. *path* is where it lives inside the service's pods."""

    name: str
    service: ServicePlan
    kind: Kind
    disk: Volume | None = None  # None: on no claim
    path: str = ""
    url: str | None = None  # where a file comes from
    model_spec: str | None = None  # its name, where the ledger counts by one

    @property
    def key(self) -> tuple[str, str]:
        return self.service.name, self.name


def models(plan: Plan) -> tuple[Model, ...]:
    """All of them, in the order of their services."""
    return tuple(model for service in plan.services for model in _of(service, plan))


def find(plan: Plan, name: str, service: str | None = None) -> Model:
    """The model *name* of *service*, or of the one that has it. A route's name will do. Raises ModelError."""
    known = [model for model in models(plan) if service in {None, model.service.name, model.service.service_name}]
    aliases = _aliases(plan, name)
    found = [model for model in known if model.name == name] or [model for model in known if model.key in aliases]
    if not found:
        accepted = ", ".join(dict.fromkeys(model.name for model in known)) or "none"
        raise ModelError(f"{name}: no model of {service or 'the stack'}; accepted: {accepted}")
    if len(found) > 1 and service is None:
        owners = ", ".join(model.service.name for model in found)
        raise ModelError(f"{name}: several services have it ({owners}); say which by --service")
    return found[0]


def another(plan: Plan, name: str, service: str) -> Model:
    """A model that the stack file does not name, for a service that keeps several. Raises ModelError."""
    placed = next((found for found in plan.services if service in {found.name, found.service_name}), None)
    if placed is None:
        raise ModelError(f"--service {service}: accepted: {', '.join(found.name for found in plan.services)}")
    if placed.options.pulls_any_model:
        return _stored(placed, name, None)
    if placed.backend.downloads and name.startswith(("http://", "https://")):
        folder = PurePosixPath(placed.backend.downloads[0].path).parent
        return _file(placed, Download(url=name, path=str(folder / PurePosixPath(name.partition("?")[0]).name)))
    raise ModelError(
        f"{name}: {placed.name} takes no other model; accepted: a name for an Ollama, an address for a llama.cpp"
    )


def _of(service: ServicePlan, plan: Plan) -> Iterator[Model]:
    if service.options.model_store:
        yield from (_stored(service, model.name, model.model_spec) for model in service.options.served_models())
    elif service.backend.downloads:
        yield from (_file(service, download) for download in service.backend.downloads)
    else:
        names = [
            target.model
            for route in plan.routes.routes
            for target in route.targets
            if target.service.name == service.name
        ]
        kept = service.volumes[0] if service.volumes else None
        for name in dict.fromkeys(names):
            yield Model(name=name, service=service, kind="own", disk=kept)


def _stored(service: ServicePlan, name: str, model_spec: str | None) -> Model:
    options, disk = service.options, service.volumes[0]
    path, kind = options.model_path(name, disk.mount), options.model_store or "own"
    return Model(name=name, service=service, kind=kind, disk=disk, path=path, model_spec=model_spec)


def _file(service: ServicePlan, download: Download) -> Model:
    disk = next(disk for disk in service.volumes if PurePosixPath(download.path).is_relative_to(disk.mount))
    name = PurePosixPath(download.path).name.removesuffix(ENDING)
    return Model(name=name, service=service, kind="file", disk=disk, path=download.path, url=download.url)


def _aliases(plan: Plan, name: str) -> set[tuple[str, str]]:
    """What the stops of the route *name* call it."""
    routes = (route for route in plan.routes.routes if route.model == name)
    return {(target.service.name, target.model) for route in routes for target in route.targets}
