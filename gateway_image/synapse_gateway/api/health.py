"""Health of the gateway and its backends, probes and metrics."""

from typing import Any

from synapse_gateway.errors import UnavailableError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

METRICS_MEDIA = "text/plain; version=0.0.4; charset=utf-8"


async def health(call: Call) -> Response | Stream:
    """Return the health of every backend; the gateway is degraded while one of them is not healthy."""
    states = await call.gateway.health.states(call.gateway.registry.upstreams.values())
    is_healthy = all(state["status"] == "healthy" for state in states.values())
    return call.answer({"status": "healthy" if is_healthy else "degraded", "backends": states})


async def livez(call: Call) -> Response | Stream:
    return call.answer({"status": "ok"})


async def readyz(call: Call) -> Response | Stream:
    """Return 200 while calls can be served. Raises UnavailableError."""
    if call.gateway.is_draining:
        raise UnavailableError("this replica is shutting down", code="draining")
    await call.gateway.check_ready()
    return call.answer({"status": "ok"})


async def metrics(call: Call) -> Response | Stream:
    call.gateway.health.refresh(call.gateway.registry.upstreams.values())
    return call.respond(call.gateway.metrics.text(), METRICS_MEDIA)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/health",
        handler=health,
        access="open",
        doc=Doc(summary="Health of every backend", tag="health", answer=dict[str, Any]),
    ),
    Endpoint(method="GET", path="/livez", handler=livez, access="open"),
    Endpoint(method="GET", path="/readyz", handler=readyz, access="open"),
    Endpoint(method="GET", path="/metrics", handler=metrics, access="open"),
)
