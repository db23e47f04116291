"""List of the available models: public names of routes, and the models that each backend lists."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from synapse_gateway.errors import BadGatewayError, GatewayError, UnavailableError
from synapse_gateway.routing.registry import Registry
from synapse_gateway.upstream.adapters import Task
from synapse_gateway.upstream.error_responses import error_from_response
from synapse_gateway.upstream.health import probe
from synapse_gateway.upstream.http import UpstreamError, UpstreamRequest
from synapse_gateway.upstream.models.listing import ModelEntry, RouterModelList, merged
from synapse_gateway.upstream.upstream import Upstream

MOST_BYTES = 16 * 1024 * 1024
TASKS_BY_NAME = frozenset[Task]({"chat", "embeddings", "rerank"})
"""Tasks whose routes are listed even where the backend has no list of models, as text-embeddings-inference."""


async def catalog(registry: Registry, timeout_s: float) -> list[ModelEntry]:
    """Return every model once, public names first. Raises UnavailableError when no backend lists its models."""
    upstreams = [upstream for upstream in registry.upstreams.values() if _has_models(upstream)]
    if not upstreams:
        raise UnavailableError("no backend is configured for models", code="backend_not_configured")
    results = await asyncio.gather(*(_listed_or_none(upstream, timeout_s) for upstream in upstreams))
    lists = {upstream.name: models for upstream, models in zip(upstreams, results, strict=True) if models is not None}
    if not lists:
        raise UnavailableError("no backend lists its models at present", retry_after_s=1)
    return list(_unique([*_public(registry, lists), *_owned(lists)]))


def _has_models(upstream: Upstream) -> bool:
    """Tell if clients choose its models by name: it lists them, or serves a task of language."""
    return bool(upstream.path("models") or TASKS_BY_NAME.intersection(upstream.config.served_tasks))


async def _listed_or_none(upstream: Upstream, timeout_s: float) -> list[ModelEntry] | None:
    """Return the models of a backend: an empty list where its API has none and it is healthy, None where it fails."""
    if not upstream.path("models"):
        await probe(upstream)
        return [] if upstream.is_up else None
    try:
        return await listed(upstream, timeout_s)
    except GatewayError:
        return None


async def listed(upstream: Upstream, timeout_s: float) -> list[ModelEntry]:
    """Return the models of a backend, by its OpenAI list. Raises GatewayError."""
    request = UpstreamRequest("GET", upstream.path("models") or "/v1/models")
    with await upstream.send(request, timeout_s) as response:
        if response.status >= 300:
            raise await error_from_response(upstream.name, response)
        try:
            entries = msgspec.json.decode(await response.read(MOST_BYTES), type=RouterModelList).data
        except UpstreamError as error:
            raise upstream.failure(error) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadGatewayError(f"{upstream.name}: invalid model list", code="backend_bad_response") from error
    return merged(entry for entry in entries if isinstance(entry.get("id"), str))


def _public(registry: Registry, lists: dict[str, list[ModelEntry]]) -> Iterator[ModelEntry]:
    """Yield the names of routes, with the details that the first responding target gives of its own model."""
    for name, route in registry.routes.items():
        responding = [target for target in route if target.upstream.name in lists]
        for target in responding[:1]:
            owner = target.upstream.name
            own: dict[str, Any] = next((entry for entry in lists[owner] if entry["id"] == target.model), {})
            yield {"object": "model", "created": 0, **own, "id": name, "owned_by": owner}


def _owned(lists: dict[str, list[ModelEntry]]) -> Iterator[ModelEntry]:
    for owner, entries in lists.items():
        yield from ({"object": "model", "created": 0, **entry, "owned_by": owner} for entry in entries)


def _unique(entries: Iterable[ModelEntry]) -> Iterable[ModelEntry]:
    by_id: dict[str, ModelEntry] = {}
    for entry in entries:
        by_id.setdefault(entry["id"], entry)
    return by_id.values()
