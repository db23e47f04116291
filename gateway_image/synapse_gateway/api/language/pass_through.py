"""Completions, embeddings and reranking: read the name of the model and pass the body on unchanged."""

from collections.abc import Callable
from functools import partial

from synapse_gateway.api.schema import (
    CompletionRequest,
    EmbeddingRequest,
    ModelRequest,
    RerankRequest,
    SamplingRequest,
    with_fields,
)
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import EVENTS
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.settings import MI
from synapse_gateway.upstream.adapters import Operation

LIMIT = 10 * MI


async def pass_through(
    operation: Operation, kind: type[ModelRequest], timeout_name: str, call: Call
) -> Response | Stream:
    """Forward a body to the backend that serves its model.

    Raises NotFoundError for a model that no backend serves, and the errors of `forward`.
    """
    data = await call.body()
    model = parse(data, kind).model
    targets = call.gateway.registry.resolve(model, operation)
    return await forward(
        call,
        UpstreamCall(
            operation=operation,
            timeout_s=call.gateway.settings.timeouts[timeout_name],
            body=with_target_model(data, model),
        ),
        targets,
    )


def with_target_model(data: bytes, model: str | None) -> Callable[[Target], bytes]:
    """Return a function that makes the body for a target: *data*, with the target's own name of the model."""

    def body(target: Target) -> bytes:
        return data if target.model is None or target.model == model else with_fields(data, model=target.model)

    return body


def _endpoint(operation: Operation, path: str, kind: type[ModelRequest], timeout_name: str, summary: str) -> Endpoint:
    return Endpoint(
        method="POST",
        path=path,
        handler=partial(pass_through, operation, kind, timeout_name),
        body_limit=LIMIT,
        doc=Doc(
            summary=summary, tag="language", body=kind, also=(EVENTS,) if issubclass(kind, SamplingRequest) else ()
        ),
        operations=(operation,),
    )


ENDPOINTS = (
    _endpoint("completions", "/v1/completions", CompletionRequest, "llm", "Complete a text"),
    _endpoint("embeddings", "/v1/embeddings", EmbeddingRequest, "embeddings", "Embed texts as vectors"),
    _endpoint("rerank", "/v1/rerank", RerankRequest, "embeddings", "Rank documents by relevance to a query"),
)
