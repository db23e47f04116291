"""The profile of a model: which fields it has, what is set, setting it, and putting it to use."""

import asyncio
from typing import Any

import msgspec

from synapse_gateway.api.models.models import existing, router, store
from synapse_gateway.api.models.profile_schema import NOTES, checked, family, fields
from synapse_gateway.auth.keys import Access
from synapse_gateway.errors import (
    BackendTimeoutError,
    BadGatewayError,
    BadRequestError,
    GatewayError,
    UnavailableError,
)
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream

AWAY = (UnavailableError, BadGatewayError, BackendTimeoutError)


class Apply(msgspec.Struct, forbid_unknown_fields=True):
    """Whether to load the model as well."""

    load_model: bool = False


class Profile(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is set for a model."""

    model: str
    family: str
    values: dict[str, Any]
    success: bool = False


class Load(msgspec.Struct, kw_only=True):
    """What came of loading it."""

    requested: bool
    success: bool = False
    status_code: int | msgspec.UnsetType = msgspec.UNSET
    detail: str | msgspec.UnsetType = msgspec.UNSET


class Applied(msgspec.Struct, kw_only=True):
    """What is set for a model, and what came of loading it."""

    success: bool
    model: str
    family: str
    values: dict[str, Any]
    load: Load


class Shown(msgspec.Struct, kw_only=True):
    """The fields that a profile of a model has."""

    model: str
    family: str
    fields: list[dict[str, Any]]
    notes: tuple[str, ...]


async def schema(call: Call) -> Response | Stream:
    name = await _readable(call)
    kind = family(name)
    shown = [found.shown() for found in fields(name)]
    return call.answer(Shown(model=name, family=kind, fields=shown, notes=NOTES[kind]))


async def profile(call: Call) -> Response | Stream:
    name = await _readable(call)
    return call.answer(Profile(model=name, family=family(name), values=dict(call.gateway.profiles.of(name))))


async def put(call: Call) -> Response | Stream:
    """Raises NotFoundError for a model that the router does not have, and BadRequestError for a wrong field."""
    name, body = call.parameters["model"], await call.json(dict[str, Any])
    changes, is_whole = _changes(body)
    values = checked(name, changes)
    await existing(call, name)
    fresh = await store(call, name, values, is_whole=is_whole)
    return call.answer(Profile(model=name, family=family(name), values=dict(fresh), success=True))


async def apply(call: Call) -> Response | Stream:
    """What is set is in force at once; with `load_model` the model is loaded with it, and waited for."""
    name, data = call.parameters["model"], await call.body()
    is_asked = parse(data, Apply).load_model if data else False
    await existing(call, name)
    load = await _loaded(call, name) if is_asked else Load(requested=False)
    values = dict(call.gateway.profiles.of(name))
    is_done = load.success or not is_asked
    return call.answer(Applied(success=is_done, model=name, family=family(name), values=values, load=load))


async def _loaded(call: Call, name: str) -> Load:
    try:
        await router(call).ensure(name)
    except GatewayError as error:
        return Load(requested=True, status_code=error.status, detail=error.message)
    return Load(requested=True, success=True, status_code=200)


async def _readable(call: Call) -> str:
    """The model's name, of one that the router has, or that has a profile while the router is away."""
    name, profiles = call.parameters["model"], call.gateway.profiles
    await asyncio.to_thread(profiles.look)
    try:
        await existing(call, name)
    except AWAY:
        if not profiles.of(name):
            raise
    return name


def _changes(body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The fields, which may stand under `values` or by themselves, and whether they are the whole profile."""
    body = dict(body)
    is_whole = body.pop("replace", False)
    if not isinstance(is_whole, bool):
        raise BadRequestError("replace is true or false", code="invalid_value", param="replace")
    values = body.pop("values", None)
    if values is None:
        return body, is_whole
    if not isinstance(values, dict) or body:
        raise BadRequestError(
            "values is an object of fields, and no field stands beside it", code="unknown_field", param="values"
        )
    return values, is_whole


def _endpoint(  # noqa: PLR0913, PLR0917 - the rows below read as a table
    method: str,
    end: str,
    handler: Handler,
    access: Access,
    summary: str,
    answer: type[Any],
    body: Any = None,  # noqa: ANN401
) -> Endpoint:
    return Endpoint(
        method=method,
        path=f"/models/{{model:path}}/{end}",
        handler=handler,
        access=access,
        doc=Doc(summary=summary, tag="models", answer=answer, body=body),
        lifecycle="router",
    )


ENDPOINTS = (
    _endpoint("GET", "schema", schema, "user", "The fields of a model's profile", Shown),
    _endpoint("GET", "profile", profile, "user", "What is set for a model", Profile),
    _endpoint("PUT", "profile", put, "admin", "Set fields of a model's profile", Profile, dict[str, Any]),
    _endpoint("POST", "profile/apply", apply, "admin", "Put a profile to use", Applied, Apply),
)
