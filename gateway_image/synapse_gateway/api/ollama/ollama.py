"""Ollama's API, for those who change nothing but the address: natively where a target is an Ollama, else translated."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from synapse_gateway.api.language.chat import completed
from synapse_gateway.api.language.pass_through import LIMIT, renamed
from synapse_gateway.api.ollama import requests
from synapse_gateway.api.ollama.frames import Frames, Shape, line
from synapse_gateway.api.ollama.relay import NDJSON, Relay
from synapse_gateway.api.ollama.schema import Embed, Embeddings, Generate, Generated, Named, OllamaChat, Show
from synapse_gateway.api.ollama.vectors import Embedded, first_only
from synapse_gateway.errors import GatewayError
from synapse_gateway.routing.forward import Relay as Relaying
from synapse_gateway.routing.forward import UpstreamCall, forward
from synapse_gateway.routing.registry import Target
from synapse_gateway.routing.relay import pass_on, whole
from synapse_gateway.server.call import Call, parse
from synapse_gateway.server.endpoint import Doc, Endpoint, Handler
from synapse_gateway.server.http import Response, Stream
from synapse_gateway.upstream.adapters import Operation
from synapse_gateway.upstream.http import UpstreamRequest
from synapse_gateway.upstream.upstream import Upstream

VERSION = "0.32.15"
"""Of the API that is spoken here: clients ask for it before they use what is new."""
SINCE = "1970-01-01T00:00:00Z"
DETAILS = {
    "parent_model": "",
    "format": "",
    "family": "",
    "families": [],
    "parameter_size": "",
    "quantization_level": "",
}
Body = Callable[[Target], bytes]
STREAMS: Mapping[type | None, tuple[str, ...]] = {OllamaChat: (NDJSON,), Generate: (NDJSON,)}
CAPABILITIES: dict[Operation, str] = {"chat": "completion", "embeddings": "embedding"}


async def chat(call: Call) -> Response | Stream:
    """Raises what `forward` raises, as all of these do."""
    data = await call.body()
    asked = parse(data, OllamaChat)
    targets = call.gateway.registry.resolve(asked.model, "chat")
    if native := _having("ollama-chat", targets):
        return await _natively(call, "ollama-chat", data, asked, native)
    if not asked.messages:
        return _loaded(call, "chat", asked)
    body = _completed(call, asked, partial(requests.chat, asked))
    order = _order(call, "chat", body, Relay(Frames(shape="chat", model=asked.model)))
    return await forward(call, order, targets)


async def generate(call: Call) -> Response | Stream:
    data = await call.body()
    asked = parse(data, Generate)
    operation: Operation = "completions" if requests.is_completion(asked) else "chat"
    targets = call.gateway.registry.resolve(asked.model, operation)
    if native := _having("ollama-generate", targets):
        return await _natively(call, "ollama-generate", data, asked, native)
    if not asked.prompt:
        return _loaded(call, "generate", asked)
    body: Body = partial(requests.generate, asked)
    if operation == "chat":
        body = _completed(call, asked, body)
    order = _order(call, operation, body, Relay(Frames(shape="generate", model=asked.model)))
    return await forward(call, order, targets)


async def embed(call: Call) -> Response | Stream:
    data = await call.body()
    asked = parse(data, Embed)
    return await _embed(call, "ollama-embed", data, asked, Embedded(asked.model))


async def embeddings(call: Call) -> Response | Stream:
    data = await call.body()
    return await _embed(call, "ollama-embeddings", data, parse(data, Embeddings), first_only)


async def tags(call: Call) -> Response | Stream:
    names = call.gateway.registry.names
    models = [
        {"name": name, "model": name, "modified_at": SINCE, "size": 0, "digest": "", "details": DETAILS}
        for name in names
    ]
    return call.answer({"models": models})


async def show(call: Call) -> Response | Stream:
    """What an Ollama tells of a model; of another backend's, what it can do."""
    data = await call.body()
    asked = parse(data, Show)
    registry = call.gateway.registry
    targets = registry.route_for(asked.model) or registry.resolve(asked.model, "chat")
    if native := _having("ollama-show", targets):
        return await forward(call, _order(call, "ollama-show", renamed(data, asked.model)), native)
    able = [name for operation, name in CAPABILITIES.items() if _having(operation, targets)]
    return call.answer({"details": DETAILS, "model_info": {}, "capabilities": able, "modified_at": SINCE})


async def ps(call: Call) -> Response | Stream:
    """The models that Ollamas have in memory; one that does not answer is left out."""
    backends = [found for found in call.gateway.registry.upstreams.values() if found.path("ollama-ps")]
    listed = await asyncio.gather(*(_running(call, backend) for backend in backends))
    return call.answer({"models": [model for models in listed for model in models]})


async def version(call: Call) -> Response | Stream:
    return call.answer({"version": VERSION})


class Running(msgspec.Struct):
    """What Ollama says of the models in its memory."""

    models: list[msgspec.Raw] = []


async def _running(call: Call, backend: Upstream) -> list[msgspec.Raw]:
    path = backend.path("ollama-ps") or ""
    try:
        with (
            call.trace_headers(backend.name) as named,
            await backend.send(
                UpstreamRequest("GET", path, headers=named), call.gateway.settings.timeouts["default"]
            ) as answer,
        ):
            return msgspec.json.decode(await whole(backend, answer), type=Running).models
    except (GatewayError, msgspec.DecodeError):
        return []


async def _embed(
    call: Call, native: Operation, data: bytes, asked: Embed | Embeddings, relay: Relaying
) -> Response | Stream:
    targets = call.gateway.registry.resolve(asked.model, "embeddings")
    if found := _having(native, targets):
        return await _natively(call, native, data, asked, found)
    return await forward(call, _order(call, "embeddings", partial(requests.embed, asked), relay), targets)


def _completed(call: Call, asked: Named, body: Body) -> Body:
    """*body* with what the model's profile adds to a chat."""
    return lambda target: completed(body(target), target.model or asked.model, call.gateway.profiles)(target)


async def _natively(
    call: Call, operation: Operation, data: bytes, asked: Named, targets: tuple[Target, ...]
) -> Response | Stream:
    return await forward(call, _order(call, operation, renamed(data, asked.model)), targets)


def _order(call: Call, operation: Operation, body: Body, relay: Relaying = pass_on) -> UpstreamCall:
    timing = "embeddings" if "embed" in operation else "llm"
    return UpstreamCall(operation=operation, timeout_s=call.gateway.settings.timeouts[timing], body=body, relay=relay)


def _having(operation: Operation, targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(target for target in targets if target.upstream.path(operation))


def _loaded(call: Call, shape: Shape, asked: Generated) -> Response:
    """A request without words loads a model, or unloads it: models of other backends come and go by themselves."""
    frame = Frames(shape=shape, model=asked.model).loaded("unload" if asked.keep_alive in {0, "0"} else "load")
    return call.respond(line(frame), NDJSON if requests.is_streamed(asked) else "application/json")


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
    _endpoint("/api/chat", chat, "Answer a conversation", OllamaChat, "ollama-chat", "chat"),
    _endpoint("/api/generate", generate, "Answer a prompt", Generate, "ollama-generate", "chat", "completions"),
    _endpoint("/api/embed", embed, "Turn texts into vectors", Embed, "ollama-embed", "embeddings"),
    _endpoint(
        "/api/embeddings", embeddings, "Turn a text into a vector", Embeddings, "ollama-embeddings", "embeddings"
    ),
    _endpoint("/api/tags", tags, "The names of all models", None),
    _endpoint("/api/show", show, "What a model can do", Show, "ollama-show"),
    _endpoint("/api/ps", ps, "The models in memory", None, "ollama-ps"),
    _endpoint("/api/version", version, "The version of Ollama's API", None),
)
