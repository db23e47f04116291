"""Routes of the gateway that reach each backend, read from the endpoint table and the adapters that route requests."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.upstream import Upstream

Route = dict[str, str]


async def backend_routes(endpoints: Iterable[Endpoint], call: Call) -> Response | Stream:
    """Return the groups of routes that reach each backend; addresses of backends are left out."""
    upstreams = call.gateway.registry.upstreams.values()
    return call.answer({upstream.name: route_groups(upstream, endpoints) for upstream in upstreams})


def route_groups(upstream: Upstream, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the routes that may reach *upstream*, and the path of its health check."""
    groups = {
        "Gateway Routes": [_route(endpoint) for endpoint in endpoints if reaches(endpoint, upstream)],
        "Ops": [{"method": "GET", "path": upstream.config.health_path or "/"}],
    }
    return {
        "title": upstream.name,
        "groups": [{"title": title, "routes": routes} for title, routes in groups.items()],
    }


def reaches(endpoint: Endpoint, upstream: Upstream) -> bool:
    """Tell if a call of *endpoint* may be sent to *upstream*."""
    if endpoint.lifecycle is not None:
        return upstream.adapter.lifecycle == endpoint.lifecycle
    return any(upstream.path(operation) is not None for operation in endpoint.operations)


def _route(endpoint: Endpoint) -> Route:
    return {"method": endpoint.method, "path": endpoint.template}


def endpoints(described: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoint that lists which of *described* reach which backend."""
    return (Endpoint(method="GET", path="/api/backend-routes", handler=partial(backend_routes, tuple(described))),)
