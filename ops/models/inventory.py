"""The models of a stack and the place of each, by its plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from infra.catalog.spec import Download, Volume
from infra.errors import SynapseError
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan

Kind = Literal["ollama", "file", "snapshot", "service"]
"""Ollama's store, one file, a repository of the Hugging Face hub, or a model that comes with its service.

A model of `engine: cpu` or `cuda` comes with its service: it may be many files, and only the stack's Job fetches it.
"""
ENDING = ".gguf"


class ModelError(SynapseError):
    """A model is missing or an operation on it failed; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class StackModel:
    """One model under the name that its service uses. *path* is its place inside the service's pods."""

    name: str
    service: ServicePlan
    kind: Kind
    disk: Volume | None = None  # None: the model is on no PVC
    path: str = ""
    url: str | None = None  # the source of a file
    sha256: str | None = None  # its digest, where the catalog has it
    spec_name: str | None = None  # the name of its model spec, where the ledger uses one
    size: int | None = None  # bytes of a file, where the catalog has them

    @property
    def key(self) -> tuple[str, str]:
        return self.service.name, self.name


def models(plan: Plan) -> tuple[StackModel, ...]:
    """Return all models, in the order of their services."""
    return tuple(model for service in plan.services for model in _models_of(service, plan))


def find(plan: Plan, name: str, service: str | None = None) -> StackModel:
    """Return the model *name* of *service*, or of the only service with it; the name of a route is accepted, too.

    Raises ModelError.
    """
    candidates = [model for model in models(plan) if service in {None, model.service.name, model.service.service_name}]
    aliases = _aliases(plan, name)
    matches = [model for model in candidates if model.name == name]
    matches = matches or [model for model in candidates if model.key in aliases]
    matches = matches or _only_models(candidates, {name for name, _ in aliases})
    if not matches:
        accepted = ", ".join(dict.fromkeys(model.name for model in candidates)) or "none"
        raise ModelError(f"{name}: not a model of {service or 'the stack'}; accepted: {accepted}")
    if len(matches) > 1 and service is None:
        owners = ", ".join(model.service.name for model in matches)
        raise ModelError(f"{name}: several services have it ({owners}); choose one with --service")
    return matches[0]


def weights(plan: Plan, model: StackModel) -> int | None:
    """Return the bytes of its file, else those of its weights by its model spec; None where it has neither."""
    spec = plan.settings.model_specs.get(model.spec_name or "")
    return model.size if spec is None else model.service.options.model_weights(model.name, spec)


def additional_model(plan: Plan, name: str, service: str) -> StackModel:
    """Return a model that the stack file does not name, for a service with several models. Raises ModelError."""
    placed = next((each for each in plan.services if service in {each.name, each.service_name}), None)
    if placed is None:
        raise ModelError(f"--service: got {service}; accepted: {', '.join(each.name for each in plan.services)}")
    if placed.options.pulls_any_model:
        return _stored(placed, name, None)
    if placed.backend.downloads and name.startswith(("http://", "https://")):
        folder = PurePosixPath(placed.backend.downloads[0].path).parent
        return _file(placed, Download(url=name, path=str(folder / PurePosixPath(name.partition("?")[0]).name)))
    raise ModelError(
        f"{name}: {placed.name} accepts no additional model; accepted: a name for an Ollama, an address for a llama.cpp"
    )


def _models_of(service: ServicePlan, plan: Plan) -> Iterator[StackModel]:
    if service.options.model_store:
        yield from (_stored(service, model.name, model.model_spec) for model in service.options.served_models())
    elif service.backend.downloads:
        yield from (_file(service, download) for download in service.backend.downloads if not download.is_part)
    else:
        names = [
            target.model
            for route in plan.routes.routes
            for target in route.targets
            if target.service.name == service.name
        ]
        first = next(iter(service.volumes), None)
        for name in dict.fromkeys(names):
            yield StackModel(name=name, service=service, kind="service", disk=first)


def _stored(service: ServicePlan, name: str, spec_name: str | None) -> StackModel:
    options, disk = service.options, service.volumes[0]
    path, kind = options.model_path(name, disk.mount), options.model_store or "service"
    return StackModel(name=name, service=service, kind=kind, disk=disk, path=path, spec_name=spec_name)


def _file(service: ServicePlan, download: Download) -> StackModel:
    disk = next(disk for disk in service.volumes if PurePosixPath(download.path).is_relative_to(disk.mount))
    return StackModel(
        name=download.model or PurePosixPath(download.path).name.removesuffix(ENDING),
        service=service,
        kind="service" if download.packaged or download.model else "file",
        disk=disk,
        path=download.path,
        url=download.url,
        sha256=download.sha256,
        size=_size(service, download) or None,
    )


def _size(service: ServicePlan, download: Download) -> int:
    """Return the bytes of a model by its first file."""
    parts = [each for each in service.backend.downloads if download.model and each.model == download.model]
    return sum(each.size or each.estimate for each in parts or [download])


def _only_models(candidates: Sequence[StackModel], services: AbstractSet[str]) -> list[StackModel]:
    """Return the models of *services* that have one each: the service has another name for it than this list."""
    counts = Counter(model.service.name for model in candidates)
    return [model for model in candidates if model.service.name in services and counts[model.service.name] == 1]


def _aliases(plan: Plan, name: str) -> set[tuple[str, str]]:
    """Return the services and their names for the model behind the route *name*."""
    routes = (route for route in plan.routes.routes if route.model == name)
    return {(target.service.name, target.model) for route in routes for target in route.targets}
