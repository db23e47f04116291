"""The request path: ask each target in turn until one answers, then pass its answer on."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from synapse_gateway.errors import UnavailableError
from synapse_gateway.observe.tracing import Headers, onward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import pass_on
from synapse_gateway.server.call import Call
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.server.multipart import Form
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.backend import Backend
from synapse_gateway.upstream.error_responses import refusal
from synapse_gateway.upstream.http import Answer, Request
from synapse_gateway.upstream.lifecycle import ModelGoneError

JSON_HEADERS = (("content-type", "application/json"),)
Relay = Callable[[Call, Backend, Answer, Mapping[str, str]], Awaitable[Response | Stream]]
"""Sends the answer of a backend to the client, with the order's headers; raises GatewayError while nothing was sent."""


@dataclass(slots=True, kw_only=True)
class Order:
    """What to ask of the first target that can answer. *body* is made for each: each has its own model names."""

    operation: Operation
    timeout_s: float  # of the whole exchange, or between two parts of a stream
    body: Callable[[Target], bytes | AsyncIterable[bytes]]
    headers: Iterable[tuple[str, str]] = JSON_HEADERS  # a form has its own, and knows its length
    length: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    relay: Relay = pass_on


async def forward(call: Call, order: Order, targets: Sequence[Target]) -> Response | Stream:
    """The answer of the first of *targets* that gives one. Raises the error of the last target that was asked."""
    return await in_turn(call, targets, lambda target: ask(call, order, target))


async def in_turn(
    call: Call, targets: Sequence[Target], asking: Callable[[Target], Awaitable[Response | Stream]]
) -> Response | Stream:
    """Ask one target after the other until one is available; it is left only before any byte was passed on."""
    *others, last = targets
    for target, following in zip(others, targets[1:], strict=True):
        try:
            return await asking(target)
        except UnavailableError:
            call.gateway.metrics.fallbacks.labels(target.backend.name, following.backend.name).inc()
            call.is_fallback = True
    return await asking(last)


async def ask(call: Call, order: Order, target: Target) -> Response | Stream:
    """The answer of *target* to *order*. Raises GatewayError for as long as nothing was passed on."""
    try:
        return await _ask(call, order, target)
    except ModelGoneError:
        return await _ask(call, order, target)  # it is loaded again first


async def _ask(call: Call, order: Order, target: Target) -> Response | Stream:
    backend = target.backend
    call.backend = backend.name
    async with backend.admission, backend.models.use(target.model or call.model):
        with (
            onward(call, backend.name) as named,
            await backend.send(_request(named, order, target), order.timeout_s) as answer,
        ):
            if answer.status >= 300:
                raise await refusal(backend.name, answer)
            return await order.relay(call, backend, answer, order.answer_headers)


def _request(named: Headers, order: Order, target: Target) -> Request:
    path = target.backend.path(order.operation)
    assert path is not None  # noqa: S101 - targets are resolved by their operation
    body, headers, length = order.body(target), order.headers, order.length
    if isinstance(body, Form):
        headers, length = (("content-type", body.media),), body.length
    return Request("POST", path, body, (*headers, *named), length)
