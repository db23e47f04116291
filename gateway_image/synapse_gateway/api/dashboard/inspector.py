"""Which routes of the gateway reach which backend, read off the tables that really decide it."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.upstream import Upstream

Route = dict[str, str]


async def backend_routes(endpoints: Iterable[Endpoint], call: Call) -> Response | Stream:
    """Backend -> the groups of routes that reach it. Never an address."""
    backends = call.gateway.registry.upstreams.values()
    return call.answer({backend.name: described(backend, endpoints) for backend in backends})


def described(backend: Upstream, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The routes that may reach *backend*, and the path that its health is asked at."""
    groups = {
        "Gateway Routes": [_route(endpoint) for endpoint in endpoints if reaches(endpoint, backend)],
        "Ops": [{"method": "GET", "path": backend.config.health_path or "/"}],
    }
    return {
        "title": backend.name,
        "groups": [{"title": title, "routes": routes} for title, routes in groups.items()],
    }


def reaches(endpoint: Endpoint, backend: Upstream) -> bool:
    """Whether a call of *endpoint* may be handed to *backend*."""
    if endpoint.lifecycle is not None:
        return backend.adapter.lifecycle == endpoint.lifecycle
    return any(backend.path(operation) is not None for operation in endpoint.operations)


def _route(endpoint: Endpoint) -> Route:
    return {"method": endpoint.method, "path": endpoint.template}


def endpoints(offered: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """What tells of *offered*."""
    return (Endpoint(method="GET", path="/api/backend-routes", handler=partial(backend_routes, tuple(offered))),)
