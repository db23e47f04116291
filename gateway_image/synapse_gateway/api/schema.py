"""The bodies that the gateway reads: fields it knows, within bounds, and nothing else."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

Count = Annotated[int, msgspec.Meta(ge=1, le=16)]
Tokens = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
TopK = Annotated[int, msgspec.Meta(ge=-1, le=100_000)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=10)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-10, le=10)]
Raw = msgspec.Raw
Anything = Raw | UnsetType
"""What travels on unread, where it is sent at all. `Raw | None` would take null alone."""


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body of which the gateway reads the model; the bytes travel on as they came."""

    model: str | None = None
    user: str | None = None


class Sampled(Body, kw_only=True):
    """What chat and completions have in common: OpenAI's fields, and those that llama.cpp, vLLM and SGLang add."""

    stream: bool | None = None
    stream_options: Anything = UNSET
    n: Count | None = None
    best_of: Count | None = None
    max_tokens: Tokens | None = None
    min_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    top_k: TopK | None = None
    min_p: Share | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repeat_penalty: Penalty | None = None
    repetition_penalty: Penalty | None = None
    logit_bias: Anything = UNSET
    seed: int | None = None
    stop: Anything = UNSET
    ignore_eos: bool | None = None
    response_format: Anything = UNSET
    structured_outputs: Anything = UNSET
    grammar: str | None = None
    json_schema: Anything = UNSET
    metadata: Anything = UNSET
    store: bool | None = None
    service_tier: str | None = None
    priority: int | None = None
    cache_prompt: bool | None = None


class Chat(Sampled, kw_only=True):
    """`POST /v1/chat/completions`."""

    messages: list[Raw]
    max_completion_tokens: Tokens | None = None
    tools: Anything = UNSET
    tool_choice: Anything = UNSET
    parallel_tool_calls: bool | None = None
    functions: Anything = UNSET
    function_call: Anything = UNSET
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    reasoning_effort: str | None = None
    reasoning_format: str | None = None
    thinking_budget_tokens: int | None = None
    verbosity: str | None = None
    modalities: Anything = UNSET
    audio: Anything = UNSET
    prediction: Anything = UNSET
    web_search_options: Anything = UNSET
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    chat_template_kwargs: Anything = UNSET
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    include_reasoning: bool | None = None


class Completion(Sampled, kw_only=True):
    """`POST /v1/completions`."""

    prompt: Raw
    suffix: str | None = None
    echo: bool | None = None
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None


class Embedding(Body, kw_only=True):
    """`POST /v1/embeddings`."""

    input: Raw
    encoding_format: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    truncate_prompt_tokens: int | None = None
    input_type: str | None = None


class Rerank(Body, kw_only=True):
    """`POST /v1/rerank`."""

    query: str
    documents: list[Raw]
    top_n: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    return_documents: bool | None = None
    max_tokens_per_doc: int | None = None
    truncate_prompt_tokens: int | None = None


def with_fields(body: bytes, **fields: Any) -> bytes:  # noqa: ANN401 - whatever msgspec writes
    """*body*, an object that was parsed before, with some of its fields set; the others keep their bytes."""
    content: dict[str, Any] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**content, **fields})
