"""How the gateway is, and how its backends are."""

from typing import Any

from synapse_gateway.errors import UnavailableError
from synapse_gateway.server.call import Call
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream

METRICS_MEDIA = "text/plain; version=0.0.4; charset=utf-8"


async def health(call: Call) -> Response | Stream:
    found = await call.gateway.health.states(call.gateway.registry.upstreams.values())
    is_well = all(state["status"] == "healthy" for state in found.values())
    return call.answer({"status": "healthy" if is_well else "degraded", "backends": found})


async def livez(call: Call) -> Response | Stream:
    return call.answer({"status": "ok"})


async def readyz(call: Call) -> Response | Stream:
    if call.gateway.is_draining:
        raise UnavailableError("this replica is going", code="draining")
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
        doc=Doc(summary="The state of every backend", tag="health", answer=dict[str, Any]),
    ),
    Endpoint(method="GET", path="/livez", handler=livez, access="open"),
    Endpoint(method="GET", path="/readyz", handler=readyz, access="open"),
    Endpoint(method="GET", path="/metrics", handler=metrics, access="open"),
)
