"""Profile of a model: its schema, reading it, changing it, and loading the model with it."""

import asyncio
from typing import Any

import msgspec

from synapse_gateway.api.models.models import router, router_entry, store_profile
from synapse_gateway.api.models.profile_schema import NOTES, family, fields, validated
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

ROUTER_ERRORS = (UnavailableError, BadGatewayError, BackendTimeoutError)


class ApplyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Options of an apply: *load_model* also loads the model."""

    load_model: bool = False


class ProfileResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Values set for a model."""

    model: str
    family: str
    values: dict[str, Any]
    success: bool = False


class LoadResult(msgspec.Struct, kw_only=True):
    """Result of loading a model."""

    requested: bool
    success: bool = False
    status_code: int | msgspec.UnsetType = msgspec.UNSET
    detail: str | msgspec.UnsetType = msgspec.UNSET


class ApplyResponse(msgspec.Struct, kw_only=True):
    """Values set for a model, and the result of loading it."""

    success: bool
    model: str
    family: str
    values: dict[str, Any]
    load: LoadResult


class ProfileSchema(msgspec.Struct, kw_only=True):
    """Fields of a profile of a model."""

    model: str
    family: str
    fields: list[dict[str, Any]]
    notes: tuple[str, ...]


async def schema(call: Call) -> Response | Stream:
    """Return the fields of the profile. Raises NotFoundError."""
    name = await _readable_model(call)
    kind = family(name)
    described = [field.as_schema() for field in fields(name)]
    return call.answer(ProfileSchema(model=name, family=kind, fields=described, notes=NOTES[kind]))


async def profile(call: Call) -> Response | Stream:
    """Return the profile. Raises NotFoundError."""
    name = await _readable_model(call)
    return call.answer(ProfileResponse(model=name, family=family(name), values=dict(call.gateway.profiles.of(name))))


async def put(call: Call) -> Response | Stream:
    """Change the profile. Raises NotFoundError for a model that the router does not have, and BadRequestError."""
    name, body = call.parameters["model"], await call.json(dict[str, Any])
    changes, is_whole = _changes(body)
    values = validated(name, changes)
    await router_entry(call, name)
    stored = await store_profile(call, name, values, is_whole=is_whole)
    return call.answer(ProfileResponse(model=name, family=family(name), values=dict(stored), success=True))


async def apply(call: Call) -> Response | Stream:
    """Return the profile; with `load_model`, load the model first and wait for it.

    A profile is in force from the moment it is set.
    """
    name, data = call.parameters["model"], await call.body()
    should_load = parse(data, ApplyRequest).load_model if data else False
    await router_entry(call, name)
    load = await _load(call, name) if should_load else LoadResult(requested=False)
    values = dict(call.gateway.profiles.of(name))
    is_done = load.success or not should_load
    return call.answer(ApplyResponse(success=is_done, model=name, family=family(name), values=values, load=load))


async def _load(call: Call, name: str) -> LoadResult:
    try:
        await router(call).ensure(name)
    except GatewayError as error:
        return LoadResult(requested=True, status_code=error.status, detail=error.message)
    return LoadResult(requested=True, success=True, status_code=200)


async def _readable_model(call: Call) -> str:
    """Return the model's name. Raises NotFoundError; while the router is unavailable a stored profile is enough."""
    name, profiles = call.parameters["model"], call.gateway.profiles
    await asyncio.to_thread(profiles.refresh)
    try:
        await router_entry(call, name)
    except ROUTER_ERRORS:
        if not profiles.of(name):
            raise
    return name


def _changes(body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the fields, which are under `values` or at the top level, and if they replace the whole profile."""
    body = dict(body)
    is_whole = body.pop("replace", False)
    if not isinstance(is_whole, bool):
        raise BadRequestError(
            "got a bad value of replace; accepted: true, false", code="invalid_value", param="replace"
        )
    values = body.pop("values", None)
    if values is None:
        return body, is_whole
    if not isinstance(values, dict) or body:
        raise BadRequestError(
            "values must be an object of fields, with no field beside it", code="unknown_field", param="values"
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
    _endpoint("GET", "schema", schema, "user", "Show the fields of a profile", ProfileSchema),
    _endpoint("GET", "profile", profile, "user", "Show the profile of a model", ProfileResponse),
    _endpoint("PUT", "profile", put, "admin", "Set fields of the profile of a model", ProfileResponse, dict[str, Any]),
    _endpoint("POST", "profile/apply", apply, "admin", "Apply the profile of a model", ApplyResponse, ApplyRequest),
)
