"""Requests of Ollama's API as request bodies of OpenAI's API."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.ollama.messages import content, to_openai
from synapse_gateway.api.ollama.schema import (
    GenerationRequest,
    ModelOptions,
    OllamaChatRequest,
    OllamaEmbeddingsRequest,
    OllamaEmbedRequest,
    OllamaGenerateRequest,
    OllamaRequest,
)
from synapse_gateway.api.schema import OptionalRaw
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.registry import Target
from synapse_gateway.upstream.adapters import Adapter

SAMPLING: Mapping[str, str] = {
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "num_predict": "max_tokens",
    "stop": "stop",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""Fields of OpenAI's API for Ollama's options; the other options concern the loading of a model in Ollama."""
NATIVE_ONLY = ("template", "context", "width", "height", "steps")


def chat_body(request: OllamaChatRequest, target: Target) -> bytes:
    """Return the body of /v1/chat/completions."""
    fields = {"messages": list(to_openai(request.messages or ())), **dict(_generation_fields(request, target))}
    if request.tools:
        fields["tools"] = request.tools
    return _body(request, target, fields)


def is_completion(request: OllamaGenerateRequest) -> bool:
    """Tell if the prompt goes to the model unchanged, without the template of a conversation."""
    return bool(request.raw or request.suffix)


def generate_body(request: OllamaGenerateRequest, target: Target) -> bytes:
    """Return the body of /v1/completions or /v1/chat/completions. Raises BadRequestError for fields of Ollama alone."""
    for name in NATIVE_ONLY:
        if getattr(request, name):
            raise BadRequestError(
                f"{name} works with an Ollama backend only; leave it out", code="unsupported_field", param=name
            )
    fields = dict(_generation_fields(request, target))
    if is_completion(request):
        fields |= {"prompt": request.prompt or "", **({"suffix": request.suffix} if request.suffix else {})}
    else:
        fields["messages"] = list(_prompt_messages(request))
    return _body(request, target, fields)


def embed_body(request: OllamaEmbedRequest | OllamaEmbeddingsRequest, target: Target) -> bytes:
    """Return the body of /v1/embeddings."""
    if isinstance(request, OllamaEmbeddingsRequest):
        return _body(request, target, {"input": request.prompt})
    more = {} if request.dimensions is None else {"dimensions": request.dimensions}
    return _body(request, target, {"input": request.input, "encoding_format": "float", **more})


def _body(request: OllamaRequest, target: Target, fields: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"model": target.model or request.model, **fields})


def _prompt_messages(request: OllamaGenerateRequest) -> Iterator[dict[str, Any]]:
    if request.system:
        yield {"role": "system", "content": request.system}
    yield {"role": "user", "content": content(request.prompt or "", request.images)}


def _generation_fields(request: GenerationRequest, target: Target) -> Iterator[tuple[str, Any]]:
    if is_streamed(request):
        yield "stream", True
        yield "stream_options", {"include_usage": True}
    yield from _sampling(request.options or ModelOptions(), target.upstream.adapter)
    yield from _format(request.format)
    yield from _thinking(request.think)
    if request.logprobs:
        yield "logprobs", True
        yield "top_logprobs", request.top_logprobs or 0


def is_streamed(request: GenerationRequest) -> bool:
    """Tell if the response is streamed, which is the default of Ollama's API."""
    return request.stream is not False


def _sampling(options: ModelOptions, adapter: Adapter) -> Iterator[tuple[str, Any]]:
    for name, field in {**SAMPLING, "repeat_penalty": adapter.repetition_penalty}.items():
        value = getattr(options, name)
        if value is None or (name == "num_predict" and value < 0):
            continue  # -1 and -2 mean no limit but the context, which is the default of the backends
        yield field, value


def _format(raw: OptionalRaw) -> Iterator[tuple[str, Any]]:
    schema = msgspec.json.decode(raw) if raw else None
    if schema == "json":
        yield "response_format", {"type": "json_object"}
    elif isinstance(schema, dict):
        yield "response_format", {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    elif schema:
        raise BadRequestError(
            'got a bad format; accepted: "json", a JSON schema', code="unsupported_format", param="format"
        )


def _thinking(think: bool | str | None) -> Iterator[tuple[str, Any]]:  # noqa: FBT001 - the type of the field
    if isinstance(think, bool):
        yield "chat_template_kwargs", {"enable_thinking": think}
    elif think:
        yield "reasoning_effort", think
