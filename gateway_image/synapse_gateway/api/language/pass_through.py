"""Completions, embeddings and reranking: read the model's name, pass the rest on as it came."""

from collections.abc import Callable
from functools import partial

from synapse_gateway.api.schema import Body, Completion, Embedding, Rerank, Sampled, with_fields
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import MI
from synapse_gateway.upstream.adapters import Operation

LIMIT = 10 * MI


async def pass_through(operation: Operation, kind: type[Body], timing: str, call: Call) -> Response | Stream:
    """Hand a body on to the backend that serves its model.

    Raises NotFoundError for a model that nobody has, and what `forward` raises.
    """
    data = await call.body()
    model = parse(data, kind).model
    targets = call.gateway.registry.resolve(model, operation)
    return await forward(
        call,
        UpstreamCall(operation=operation, timeout_s=call.gateway.settings.timeouts[timing], body=renamed(data, model)),
        targets,
    )


def renamed(data: bytes, model: str | None) -> Callable[[Target], bytes]:
    """*data* for each target: as it came, unless the target knows the model by another name."""

    def body(target: Target) -> bytes:
        return data if target.model is None or target.model == model else with_fields(data, model=target.model)

    return body


def _endpoint(operation: Operation, path: str, kind: type[Body], timing: str, summary: str) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        handler=partial(pass_through, operation, kind, timing),
        body_limit=LIMIT,
        doc=Doc(summary=summary, tag="language", body=kind, also=(EVENTS,) if issubclass(kind, Sampled) else ()),
        operations=(operation,),
    )


ENDPOINTS = (
    _endpoint("completions", "/v1/completions", Completion, "llm", "Continue a text"),
    _endpoint("embeddings", "/v1/embeddings", Embedding, "embeddings", "Turn texts into vectors"),
    _endpoint("rerank", "/v1/rerank", Rerank, "embeddings", "Order documents by how well they fit a query"),
)
