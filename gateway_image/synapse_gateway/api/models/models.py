"""The models that can be asked for, and the router's: seen, loaded and unloaded."""

import asyncio
from typing import Any

import msgspec

from synapse_gateway.api.models.profile_schema import Value, checked
from synapse_gateway.api.models.profile_store import Values
from synapse_gateway.errors import NotFoundError, UnavailableError, ValidationError
from synapse_gateway.routing.model_list import catalog
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.models.listing import ModelEntry, find, with_status
from synapse_gateway.upstream.models.router import RouterModels

MODELS: tuple[Operation, ...] = ("models",)


class Models(msgspec.Struct):
    """A list of models, as OpenAI's API has it."""

    data: list[ModelEntry]
    object: str = "list"


class Ordered(msgspec.Struct):
    """The model to load; fields of its profile may stand beside it."""

    model: str


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """The model that something is done with."""

    model: str


async def models(call: Call) -> Response | Stream:
    return call.answer(Models(data=await _catalogue(call)))


async def model(call: Call) -> Response | Stream:
    """Raises NotFoundError."""
    name = call.parameters["model"]
    found = find(await _catalogue(call), name)
    if found is None:
        raise missing(name)
    return call.answer(found)


async def router_models(call: Call) -> Response | Stream:
    """The router's own list, with what was set for each model."""
    entries = await router(call).api.models()
    return call.answer(Models(data=[_with_profile(call, entry) for entry in entries]))


async def load(call: Call) -> Response | Stream:
    """Store what comes along for the model, then have the router begin to load it.

    Raises NotFoundError, BadRequestError, ConflictError and what the router's failure is.
    """
    content: dict[str, Any] = await call.json(dict[str, Any])
    name, rule = _name(content.pop("model", None)), router(call)
    values = checked(name, content)
    await existing(call, name)
    if values:
        await store(call, name, values, is_whole=False)
    had_begun = await rule.begin_load(name)
    answer: dict[str, Any] = {"success": True}
    if had_begun:
        answer["already_loaded"] = True
    if profile := call.gateway.profiles.of(name):
        answer["synapse_defaults"] = profile
    return call.answer(answer)


async def unload(call: Call) -> Response | Stream:
    """Raises ConflictError while calls use it, and the router's refusal of a model that does not run."""
    name = _name((await call.json(Named)).model)
    await router(call).unload(name)
    return call.answer({"success": True})


def router(call: Call) -> RouterModels:
    """The models of the router. Raises UnavailableError where the stack has none."""
    backend = call.gateway.registry.by_lifecycle("router")
    if backend is None or not isinstance(backend.models, RouterModels):
        raise UnavailableError("no backend of type llama-router is configured", code="backend_not_configured")
    call.backend = backend.name
    return backend.models


async def existing(call: Call, name: str) -> ModelEntry:
    """The router's entry for *name*. Raises NotFoundError."""
    found = find(await router(call).api.models(), name)
    if found is None:
        raise missing(name)
    return found


async def store(call: Call, name: str, values: dict[str, Value | None], *, is_whole: bool) -> Values:
    """Set *values* of the model *name*; a runtime that changes is looked at before its next call."""
    profiles = call.gateway.profiles
    former = profiles.context_tokens(name)
    fresh = await asyncio.to_thread(profiles.change, name, values, is_whole=is_whole)
    if former != profiles.context_tokens(name):
        router(call).forget(name)
    return fresh


def missing(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no model {name!r}; GET /v1/models lists those there are", code="model_not_found", param="model"
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValidationError("name the model: a string that is not blank", param="model")
    return value


async def _catalogue(call: Call) -> list[ModelEntry]:
    found = await catalog(call.gateway.registry, call.gateway.settings.timeouts["default"])
    return [_with_profile(call, entry) for entry in found]


def _with_profile(call: Call, entry: ModelEntry) -> ModelEntry:
    values = call.gateway.profiles.of(entry["id"])
    if not values:
        return entry
    return with_status(entry, synapse_profile=values, synapse_defaults=values)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/models",
        handler=models,
        doc=Doc(summary="The models of all backends", tag="language", answer=Models),
        operations=MODELS,
    ),
    Endpoint(
        method="GET",
        path="/v1/models/{model:path}",
        handler=model,
        doc=Doc(summary="One model", tag="language", answer=ModelEntry),
        operations=MODELS,
    ),
    Endpoint(
        method="GET",
        path="/models",
        handler=router_models,
        doc=Doc(summary="The router's models and their state", tag="models", answer=Models),
        lifecycle="router",
    ),
    Endpoint(
        method="POST",
        path="/models/load",
        handler=load,
        access="admin",
        doc=Doc(summary="Load a model, with fields of its profile", tag="models", body=Ordered, answer=dict[str, Any]),
        lifecycle="router",
    ),
    Endpoint(
        method="POST",
        path="/models/unload",
        handler=unload,
        access="admin",
        doc=Doc(summary="Unload a model", tag="models", body=Named, answer=dict[str, Any]),
        lifecycle="router",
    ),
)
