"""Edits of the routes of a stack file for a model that takes the place of another one in a service."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from infra.settings.model import Settings
from infra.settings.schema import TargetSection
from infra.settings.services import GatewayService
from ops.models.model_source import NamedModel
from ops.models.service_edit import Target
from ops.stack_file import Edit

AUTOMATIC: Final = {"autoModel": "auto_model", "autoCoderModel": "auto_coder_model"}
"""Keys of a gateway that name a route, and their fields."""


def public_name(model: str) -> str:
    """Return the public name of a model: its name without the owner, in lower case."""
    return model.rpartition("/")[2].lower()


def edits(settings: Settings, service: Target, model: NamedModel) -> Iterator[Edit]:
    """Yield the edits after which a route leads to the model, and none to the one that it replaces."""
    routes, new = settings.routes, public_name(model.name)
    replaced = service.model if service.model != model.name else None
    places = {name: _place(name, targets, service.name, replaced) for name, targets in routes.items()}
    dropped = [name for name, place in places.items() if place is not None and _is_named_after(name, replaced, new)]
    for name, place in places.items():
        if place is not None and name not in dropped:
            yield Edit(path=("routes", name, place, "model"), value=model.name)
    if not _has_alias(routes, service, model):
        yield from _new_route(routes, new, {"service": service.name, "model": model.name})
    for name in dropped:
        is_only = len(routes[name]) == 1
        yield Edit(path=("routes", name) if is_only else ("routes", name, places[name] or 0), action="remove")
    yield from _automatic(settings, {name for name in dropped if len(routes[name]) == 1}, new)


def _place(name: str, targets: Sequence[TargetSection], service: str, model: str | None) -> int | None:
    """Return the number of the target of a route that leads to *model* of the service; None without one."""
    matches = (
        number
        for number, target in enumerate(targets)
        if model and target.service == service and (target.model or name) == model
    )
    return next(matches, None)


def _is_named_after(route: str, model: str | None, new: str) -> bool:
    """Return True for a route with the name of the replaced model; others, such as `chat`, lead to the new one."""
    return model is not None and route != new and route.lower() in {model.lower(), public_name(model)}


def _has_alias(routes: Mapping[str, Sequence[TargetSection]], service: Target, model: NamedModel) -> bool:
    """Return True where the service keeps its model, and a route leads to it already."""
    targets = [(name, target) for name, each in routes.items() for target in each]
    return service.model == model.name and any(
        target.service == service.name and (target.model or name) == model.name for name, target in targets
    )


def _new_route(routes: Mapping[str, Sequence[TargetSection]], name: str, target: dict[str, str]) -> Iterator[Edit]:
    """Yield the edit after which the route *name* leads to *target*, as its first one where it is new there."""
    services = [each.service for each in routes.get(name, ())]
    if target["service"] in services:
        yield Edit(path=("routes", name, services.index(target["service"]), "model"), value=target["model"])
    elif services:
        yield Edit(path=("routes", name), value=target, action="prepend")
    else:
        yield Edit(path=("routes", name), value=[target])


def _automatic(settings: Settings, removed: set[str], new: str) -> Iterator[Edit]:
    """Yield the edits of a gateway whose `auto` leads to a route that is removed."""
    for name, options in settings.services.items():
        for key, field in AUTOMATIC.items() if isinstance(options, GatewayService) else ():
            if getattr(options, field) in removed:
                yield Edit(path=("services", name, key), value=new)
