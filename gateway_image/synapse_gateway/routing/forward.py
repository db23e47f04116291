"""Request path: try the targets in order until one responds, then relay its response."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synapse_gateway.errors import UnavailableError
from synapse_gateway.observe.tracing import Headers
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import pass_on
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.error_responses import error_from_response
from synapse_gateway.upstream.http import UpstreamRequest, UpstreamResponse
from synapse_gateway.upstream.lifecycle import ModelUnloadedError
from synapse_gateway.upstream.upstream import Upstream

JSON_HEADERS = (("content-type", "application/json"),)
Relay = Callable[[Call, Upstream, UpstreamResponse, Mapping[str, str]], Awaitable[Response | Stream]]
"""Sends the response of a backend to the client, with extra headers; raises GatewayError while nothing was sent."""


@dataclass(slots=True, kw_only=True)
class UpstreamCall:
    """A call to the first available target. *body* is built per target: each has its own name for the model."""

    operation: Operation
    timeout_s: float  # of the whole exchange, or between two parts of a stream
    body: Callable[[Target], bytes | AsyncIterable[bytes]]
    headers: Iterable[tuple[str, str]] = JSON_HEADERS  # a Form sets its own content type and length
    length: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    relay: Relay = pass_on


async def forward(call: Call, upstream_call: UpstreamCall, targets: Sequence[Target]) -> Response | Stream:
    """Relay the response of the first available of *targets*. Raises the error of the last target tried."""
    return await with_fallback(call, targets, lambda target: send(call, upstream_call, target))


async def with_fallback(
    call: Call, targets: Sequence[Target], attempt: Callable[[Target], Awaitable[Response | Stream]]
) -> Response | Stream:
    """Try one target after the other until one is available; fall back only before any byte was sent to the client."""
    *others, last = targets
    for target, following in zip(others, targets[1:], strict=True):
        try:
            return await attempt(target)
        except UnavailableError:
            call.gateway.metrics.fallbacks.labels(target.upstream.name, following.upstream.name).inc()
            call.is_fallback = True
    return await attempt(last)


async def send(call: Call, upstream_call: UpstreamCall, target: Target) -> Response | Stream:
    """Send *upstream_call* to *target* and relay the response. Raises GatewayError while nothing was sent."""
    try:
        return await _send(call, upstream_call, target)
    except ModelUnloadedError:
        return await _send(call, upstream_call, target)  # the new lease loads the model again


async def _send(call: Call, upstream_call: UpstreamCall, target: Target) -> Response | Stream:
    upstream = target.upstream
    call.backend = upstream.name
    async with upstream.admission, upstream.models.lease(target.model or call.model):
        with (
            call.trace_headers(upstream.name) as trace_headers,
            await upstream.send(_request(trace_headers, upstream_call, target), upstream_call.timeout_s) as response,
        ):
            if response.status >= 300:
                raise await error_from_response(upstream.name, response)
            return await upstream_call.relay(call, upstream, response, upstream_call.answer_headers)


def _request(trace_headers: Headers, upstream_call: UpstreamCall, target: Target) -> UpstreamRequest:
    path = target.upstream.path(upstream_call.operation)
    assert path is not None  # noqa: S101 - targets are resolved by their operation
    body, headers, length = upstream_call.body(target), upstream_call.headers, upstream_call.length
    if isinstance(body, Form):
        headers, length = (("content-type", body.media),), body.length
    return UpstreamRequest("POST", path, body, (*headers, *trace_headers), length)
