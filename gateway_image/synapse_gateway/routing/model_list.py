"""The models that can be asked for: the public names, and what each backend says it has."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from synapse_gateway.errors import BadGatewayError, GatewayError, UnavailableError
from synapse_gateway.routing.registry import Registry
from synapse_gateway.upstream.backend import Backend
from synapse_gateway.upstream.error_responses import refusal
from synapse_gateway.upstream.http import Request, UpstreamError
from synapse_gateway.upstream.models.listing import Entry, merged
from synapse_gateway.upstream.models.router_api import Listing

MOST_BYTES = 16 * 1024 * 1024


async def catalog(registry: Registry, timeout_s: float) -> list[Entry]:
    """Every model once, public names first. A backend that fails is left out; raises UnavailableError when all do."""
    backends = [target.backend for target in registry.offering("models")]
    answers = await asyncio.gather(*(_listed(backend, timeout_s) for backend in backends))
    lists = {backend.name: found for backend, found in zip(backends, answers, strict=True) if found is not None}
    if not lists:
        raise UnavailableError("no backend tells which models it has", retry_after_s=1)
    return list(_once([*_public(registry, lists), *_owned(lists)]))


async def _listed(backend: Backend, timeout_s: float) -> list[Entry] | None:
    try:
        return await listed(backend, timeout_s)
    except GatewayError:
        return None


async def listed(backend: Backend, timeout_s: float) -> list[Entry]:
    """What *backend* has, by its OpenAI list. Raises GatewayError."""
    with await backend.send(Request("GET", backend.path("models") or "/v1/models"), timeout_s) as answer:
        if answer.status >= 300:
            raise await refusal(backend.name, answer)
        try:
            entries = msgspec.json.decode(await answer.read(MOST_BYTES), type=Listing).data
        except UpstreamError as error:
            raise backend.failure(error) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadGatewayError(f"the list of {backend.name} cannot be read", code="backend_bad_response") from error
    return merged(entry for entry in entries if isinstance(entry.get("id"), str))


def _public(registry: Registry, lists: dict[str, list[Entry]]) -> Iterator[Entry]:
    """The names of routes; what the first backend that can be asked says of its own model comes along."""
    for name, route in registry.routes.items():
        answering = [target for target in route if target.backend.name in lists]
        for target in answering[:1]:
            owner = target.backend.name
            own: dict[str, Any] = next((entry for entry in lists[owner] if entry["id"] == target.model), {})
            yield {"object": "model", "created": 0, **own, "id": name, "owned_by": owner}


def _owned(lists: dict[str, list[Entry]]) -> Iterator[Entry]:
    for owner, entries in lists.items():
        yield from ({"object": "model", "created": 0, **entry, "owned_by": owner} for entry in entries)


def _once(entries: Iterable[Entry]) -> Iterable[Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry["id"], entry)
    return found.values()
