"""What is asked in Ollama's words, in OpenAI's."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.ollama.messages import content, translated
from synapse_gateway.api.ollama.schema import Embed, Embeddings, Generate, Generated, Named, OllamaChat, Options
from synapse_gateway.api.schema import Anything
from synapse_gateway.errors import BadRequestError
from synapse_gateway.routing.registry import Target

SAMPLING: Mapping[str, str] = {
    "seed": "seed",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "num_predict": "max_tokens",
    "stop": "stop",
    "repeat_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""Ollama's options and OpenAI's fields; the other options say how Ollama loads a model."""
REPETITION = frozenset({"vllm", "sglang"})
"""Types of backends that call llama.cpp's `repeat_penalty` `repetition_penalty`."""
NATIVE_ONLY = ("template", "context", "width", "height", "steps")


def chat(asked: OllamaChat, target: Target) -> bytes:
    """The body of /v1/chat/completions."""
    fields = {"messages": list(translated(asked.messages or ())), **dict(_generated(asked, target))}
    if asked.tools:
        fields["tools"] = asked.tools
    return _body(asked, target, fields)


def is_completion(asked: Generate) -> bool:
    """Whether the prompt is to reach the model as it is, without the template of a conversation."""
    return bool(asked.raw or asked.suffix)


def generate(asked: Generate, target: Target) -> bytes:
    """The body of /v1/completions or /v1/chat/completions. Raises BadRequestError for what only Ollama can do."""
    for name in NATIVE_ONLY:
        if getattr(asked, name):
            raise BadRequestError(
                f"{name} works with an Ollama backend only; leave it out", code="unsupported_field", param=name
            )
    fields = dict(_generated(asked, target))
    if is_completion(asked):
        fields |= {"prompt": asked.prompt or "", **({"suffix": asked.suffix} if asked.suffix else {})}
    else:
        fields["messages"] = list(_prompted(asked))
    return _body(asked, target, fields)


def embed(asked: Embed | Embeddings, target: Target) -> bytes:
    """The body of /v1/embeddings."""
    if isinstance(asked, Embeddings):
        return _body(asked, target, {"input": asked.prompt})
    more = {} if asked.dimensions is None else {"dimensions": asked.dimensions}
    return _body(asked, target, {"input": asked.input, "encoding_format": "float", **more})


def _body(asked: Named, target: Target, fields: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"model": target.model or asked.model, **fields})


def _prompted(asked: Generate) -> Iterator[dict[str, Any]]:
    if asked.system:
        yield {"role": "system", "content": asked.system}
    yield {"role": "user", "content": content(asked.prompt or "", asked.images)}


def _generated(asked: Generated, target: Target) -> Iterator[tuple[str, Any]]:
    if is_streamed(asked):
        yield "stream", True
        yield "stream_options", {"include_usage": True}
    yield from _sampling(asked.options or Options(), target.upstream.config.type)
    yield from _format(asked.format)
    yield from _thinking(asked.think)
    if asked.logprobs:
        yield "logprobs", True
        yield "top_logprobs", asked.top_logprobs or 0


def is_streamed(asked: Generated) -> bool:
    """Ollama streams unless it is told not to."""
    return asked.stream is not False


def _sampling(options: Options, kind: str) -> Iterator[tuple[str, Any]]:
    for name, field in SAMPLING.items():
        value = getattr(options, name)
        if value is None or (name == "num_predict" and value < 0):
            continue  # -1 and -2 ask for as much as there is room for, which is what happens without a number
        yield "repetition_penalty" if name == "repeat_penalty" and kind in REPETITION else field, value


def _format(given: Anything) -> Iterator[tuple[str, Any]]:
    wanted = msgspec.json.decode(given) if given else None
    if wanted == "json":
        yield "response_format", {"type": "json_object"}
    elif isinstance(wanted, dict):
        yield "response_format", {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}
    elif wanted:
        raise BadRequestError(
            'got a format that is neither "json" nor a JSON schema', code="unsupported_format", param="format"
        )


def _thinking(think: bool | str | None) -> Iterator[tuple[str, Any]]:  # noqa: FBT001 - it is what the field holds
    if isinstance(think, bool):
        yield "chat_template_kwargs", {"enable_thinking": think}
    elif think:
        yield "reasoning_effort", think
