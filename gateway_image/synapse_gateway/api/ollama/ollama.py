"""Endpoints of Ollama's API: passed on unchanged to an Ollama backend, translated for any other."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from synapse_gateway.api.language.chat import with_profile
from synapse_gateway.api.language.pass_through import LIMIT, with_target_model
from synapse_gateway.api.ollama import requests
from synapse_gateway.api.ollama.embeddings import EmbedRelay, relay_first
from synapse_gateway.api.ollama.frames import FrameBuilder, Shape, encode_line
from synapse_gateway.api.ollama.relay import NDJSON, OllamaRelay
from synapse_gateway.api.ollama.schema import (
    GenerationRequest,
    OllamaChatRequest,
    OllamaEmbeddingsRequest,
    OllamaEmbedRequest,
    OllamaGenerateRequest,
    OllamaRequest,
    OllamaShowRequest,
)
from synapse_gateway.errors import GatewayError
from synapse_gateway.routing.forward import Relay, UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import pass_on, whole
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.http import UpstreamRequest
from synapse_gateway.upstream.upstream import Upstream

VERSION = "0.32.15"
"""Version of the API; clients read it before they use newer features."""
MODIFIED_AT = "1970-01-01T00:00:00Z"
DETAILS = {
    "parent_model": "",
    "format": "",
    "family": "",
    "families": [],
    "parameter_size": "",
    "quantization_level": "",
}
TargetBody = Callable[[Target], bytes]
STREAMS: Mapping[type | None, tuple[str, ...]] = {OllamaChatRequest: (NDJSON,), OllamaGenerateRequest: (NDJSON,)}
CAPABILITIES: dict[Operation, str] = {"chat": "completion", "embeddings": "embedding"}


async def chat(call: Call) -> Response | Stream:
    """Answer a conversation. Raises the errors of `forward`."""
    data = await call.body()
    request = parse(data, OllamaChatRequest)
    targets = call.gateway.registry.resolve(request.model, "chat")
    if native := _offering("ollama-chat", targets):
        return await _forward_unchanged(call, "ollama-chat", data, request, native)
    if not request.messages:
        return _load_status(call, "chat", request)
    body = _with_profile(call, request, partial(requests.chat_body, request))
    upstream_call = _upstream_call(call, "chat", body, OllamaRelay(FrameBuilder(shape="chat", model=request.model)))
    return await forward(call, upstream_call, targets)


async def generate(call: Call) -> Response | Stream:
    """Answer a prompt. Raises the errors of `forward`."""
    data = await call.body()
    request = parse(data, OllamaGenerateRequest)
    operation: Operation = "completions" if requests.is_completion(request) else "chat"
    targets = call.gateway.registry.resolve(request.model, operation)
    if native := _offering("ollama-generate", targets):
        return await _forward_unchanged(call, "ollama-generate", data, request, native)
    if not request.prompt:
        return _load_status(call, "generate", request)
    body: TargetBody = partial(requests.generate_body, request)
    if operation == "chat":
        body = _with_profile(call, request, body)
    upstream_call = _upstream_call(
        call, operation, body, OllamaRelay(FrameBuilder(shape="generate", model=request.model))
    )
    return await forward(call, upstream_call, targets)


async def embed(call: Call) -> Response | Stream:
    """Embed texts. Raises the errors of `forward`."""
    data = await call.body()
    request = parse(data, OllamaEmbedRequest)
    return await _embed(call, "ollama-embed", data, request, EmbedRelay(request.model))


async def embeddings(call: Call) -> Response | Stream:
    """Embed one text. Raises the errors of `forward`."""
    data = await call.body()
    return await _embed(call, "ollama-embeddings", data, parse(data, OllamaEmbeddingsRequest), relay_first)


async def tags(call: Call) -> Response | Stream:
    """List all models of the gateway."""
    names = call.gateway.registry.names
    models = [
        {"name": name, "model": name, "modified_at": MODIFIED_AT, "size": 0, "digest": "", "details": DETAILS}
        for name in names
    ]
    return call.answer({"models": models})


async def show(call: Call) -> Response | Stream:
    """Show a model: the response of an Ollama, or the capabilities of a model of another backend."""
    data = await call.body()
    request = parse(data, OllamaShowRequest)
    registry = call.gateway.registry
    targets = registry.route_for(request.model) or registry.resolve(request.model, "chat")
    if native := _offering("ollama-show", targets):
        return await forward(call, _upstream_call(call, "ollama-show", with_target_model(data, request.model)), native)
    capabilities = [name for operation, name in CAPABILITIES.items() if _offering(operation, targets)]
    return call.answer({"details": DETAILS, "model_info": {}, "capabilities": capabilities, "modified_at": MODIFIED_AT})


async def ps(call: Call) -> Response | Stream:
    """List the models in the memory of all Ollamas; an Ollama that does not respond is left out."""
    upstreams = [upstream for upstream in call.gateway.registry.upstreams.values() if upstream.path("ollama-ps")]
    lists = await asyncio.gather(*(_running(call, upstream) for upstream in upstreams))
    return call.answer({"models": [model for models in lists for model in models]})


async def version(call: Call) -> Response | Stream:
    """Return the version of the API."""
    return call.answer({"version": VERSION})


class RunningModels(msgspec.Struct):
    """Response of an Ollama: the models in its memory."""

    models: list[msgspec.Raw] = []


async def _running(call: Call, upstream: Upstream) -> list[msgspec.Raw]:
    path = upstream.path("ollama-ps") or ""
    try:
        with (
            call.trace_headers(upstream.name) as named,
            await upstream.send(
                UpstreamRequest("GET", path, headers=named), call.gateway.settings.timeouts["default"]
            ) as answer,
        ):
            return msgspec.json.decode(await whole(upstream, answer), type=RunningModels).models
    except (GatewayError, msgspec.DecodeError):
        return []


async def _embed(
    call: Call, native: Operation, data: bytes, request: OllamaEmbedRequest | OllamaEmbeddingsRequest, relay: Relay
) -> Response | Stream:
    targets = call.gateway.registry.resolve(request.model, "embeddings")
    if native_targets := _offering(native, targets):
        return await _forward_unchanged(call, native, data, request, native_targets)
    return await forward(
        call, _upstream_call(call, "embeddings", partial(requests.embed_body, request), relay), targets
    )


def _with_profile(call: Call, request: OllamaRequest, body: TargetBody) -> TargetBody:
    """Return *body* with the profile defaults of the model."""
    return lambda target: with_profile(body(target), target.model or request.model, call.gateway.profiles)(target)


async def _forward_unchanged(
    call: Call, operation: Operation, data: bytes, request: OllamaRequest, targets: tuple[Target, ...]
) -> Response | Stream:
    return await forward(call, _upstream_call(call, operation, with_target_model(data, request.model)), targets)


def _upstream_call(call: Call, operation: Operation, body: TargetBody, relay: Relay = pass_on) -> UpstreamCall:
    timeout = "embeddings" if "embed" in operation else "llm"
    return UpstreamCall(operation=operation, timeout_s=call.gateway.settings.timeouts[timeout], body=body, relay=relay)


def _offering(operation: Operation, targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(target for target in targets if target.upstream.path(operation))


def _load_status(call: Call, shape: Shape, request: GenerationRequest) -> Response:
    """Return the response to a request to load or unload a model, which other backends do on their own."""
    frame = FrameBuilder(shape=shape, model=request.model).load_status(
        "unload" if request.keep_alive in {0, "0"} else "load"
    )
    return call.respond(encode_line(frame), NDJSON if requests.is_streamed(request) else "application/json")


def _endpoint(path: str, handler: Handler, summary: str, body: Any, *operations: Operation) -> Endpoint:  # noqa: ANN401 - a type, or None
    return Endpoint(
        method="GET" if body is None else "POST",
        path=path,
        handler=handler,
        body_limit=LIMIT,
        doc=Doc(summary=summary, tag="ollama", body=body, answer=dict[str, Any], also=STREAMS.get(body, ())),
        operations=operations,
    )


ENDPOINTS = (
    _endpoint("/api/chat", chat, "Answer a conversation", OllamaChatRequest, "ollama-chat", "chat"),
    _endpoint(
        "/api/generate", generate, "Answer a prompt", OllamaGenerateRequest, "ollama-generate", "chat", "completions"
    ),
    _endpoint("/api/embed", embed, "Embed texts as vectors", OllamaEmbedRequest, "ollama-embed", "embeddings"),
    _endpoint(
        "/api/embeddings",
        embeddings,
        "Embed a text as a vector",
        OllamaEmbeddingsRequest,
        "ollama-embeddings",
        "embeddings",
    ),
    _endpoint("/api/tags", tags, "List all models", None),
    _endpoint("/api/show", show, "Show a model", OllamaShowRequest, "ollama-show"),
    _endpoint("/api/ps", ps, "List the models in memory", None, "ollama-ps"),
    _endpoint("/api/version", version, "Show the version of Ollama's API", None),
)
