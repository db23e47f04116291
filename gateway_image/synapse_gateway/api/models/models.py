"""Models: the list of all backends, and the models of the router, listed, loaded and unloaded."""

import asyncio
from typing import Any

import msgspec

from synapse_gateway.api.models.profile_schema import Value, validated
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


class ModelList(msgspec.Struct):
    """List of models in the format of the OpenAI API."""

    data: list[ModelEntry]
    object: str = "list"


class LoadRequest(msgspec.Struct):
    """Model to load; fields of its profile may be sent with it."""

    model: str


class UnloadRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Model to unload."""

    model: str


async def models(call: Call) -> Response | Stream:
    """Return the models of all backends."""
    return call.answer(ModelList(data=await _catalogue(call)))


async def model(call: Call) -> Response | Stream:
    """Return one model. Raises NotFoundError."""
    name = call.parameters["model"]
    entry = find(await _catalogue(call), name)
    if entry is None:
        raise model_not_found(name)
    return call.answer(entry)


async def router_models(call: Call) -> Response | Stream:
    """Return the models of the router, with their profiles."""
    entries = await router(call).api.models()
    return call.answer(ModelList(data=[_with_profile(call, entry) for entry in entries]))


async def load(call: Call) -> Response | Stream:
    """Store the profile fields of the body, then let the router begin to load the model.

    Raises NotFoundError, BadRequestError, ConflictError and the errors of the router.
    """
    content: dict[str, Any] = await call.json(dict[str, Any])
    name, models = _name(content.pop("model", None)), router(call)
    values = validated(name, content)
    await router_entry(call, name)
    if values:
        await store_profile(call, name, values, is_whole=False)
    was_loading = await models.begin_load(name)
    answer: dict[str, Any] = {"success": True}
    if was_loading:
        answer["already_loaded"] = True
    if profile := call.gateway.profiles.of(name):
        answer["synapse_defaults"] = profile
    return call.answer(answer)


async def unload(call: Call) -> Response | Stream:
    """Unload a model. Raises ConflictError while calls use it, and the error of the router if it is not running."""
    name = _name((await call.json(UnloadRequest)).model)
    await router(call).unload(name)
    return call.answer({"success": True})


def router(call: Call) -> RouterModels:
    """Return the models of the router. Raises UnavailableError if the stack has no router."""
    backend = call.gateway.registry.by_lifecycle("router")
    if backend is None or not isinstance(backend.models, RouterModels):
        raise UnavailableError("no backend of type llama-router is configured", code="backend_not_configured")
    call.backend = backend.name
    return backend.models


async def router_entry(call: Call, name: str) -> ModelEntry:
    """Return the router's entry for *name*. Raises NotFoundError."""
    entry = find(await router(call).api.models(), name)
    if entry is None:
        raise model_not_found(name)
    return entry


async def store_profile(call: Call, name: str, values: dict[str, Value | None], *, is_whole: bool) -> Values:
    """Set *values* of the model *name*. After a new context size, the router is checked before the next call."""
    profiles = call.gateway.profiles
    former = profiles.context_tokens(name)
    stored = await asyncio.to_thread(profiles.change, name, values, is_whole=is_whole)
    if former != profiles.context_tokens(name):
        router(call).forget(name)
    return stored


def model_not_found(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no model {name!r}; GET /v1/models lists all models", code="model_not_found", param="model"
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValidationError("model is missing; send its name, a string that is not blank", param="model")
    return value


async def _catalogue(call: Call) -> list[ModelEntry]:
    entries = await catalog(call.gateway.registry, call.gateway.settings.timeouts["default"])
    return [_with_profile(call, entry) for entry in entries]


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
        doc=Doc(summary="List the models of all backends", tag="language", answer=ModelList),
        operations=MODELS,
    ),
    Endpoint(
        method="GET",
        path="/v1/models/{model:path}",
        handler=model,
        doc=Doc(summary="Show one model", tag="language", answer=ModelEntry),
        operations=MODELS,
    ),
    Endpoint(
        method="GET",
        path="/models",
        handler=router_models,
        doc=Doc(summary="List the models of the router and their state", tag="models", answer=ModelList),
        lifecycle="router",
    ),
    Endpoint(
        method="POST",
        path="/models/load",
        handler=load,
        access="admin",
        doc=Doc(
            summary="Load a model, and set fields of its profile", tag="models", body=LoadRequest, answer=dict[str, Any]
        ),
        lifecycle="router",
    ),
    Endpoint(
        method="POST",
        path="/models/unload",
        handler=unload,
        access="admin",
        doc=Doc(summary="Unload a model", tag="models", body=UnloadRequest, answer=dict[str, Any]),
        lifecycle="router",
    ),
)
