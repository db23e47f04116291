"""Request bodies of the OpenAI API: accepted fields and their bounds; any other field is refused."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

Count = Annotated[int, msgspec.Meta(ge=1, le=16)]
Tokens = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
TopK = Annotated[int, msgspec.Meta(ge=-1, le=100_000)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=10)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-10, le=10)]
Raw = msgspec.Raw
OptionalRaw = Raw | UnsetType
"""Field that may be missing and is passed on unread. (`Raw | None` would accept null alone.)"""


class ModelRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Request body that names a model. The gateway reads the model and passes the bytes on unchanged."""

    model: str | None = None
    user: str | None = None


class SamplingRequest(ModelRequest, kw_only=True):
    """Common fields of chat and completions: OpenAI's, and those that llama.cpp, vLLM and SGLang add."""

    stream: bool | None = None
    stream_options: OptionalRaw = UNSET
    n: Count | None = None
    best_of: Count | None = None
    max_tokens: Tokens | None = None
    min_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    top_k: TopK | None = None
    min_p: Probability | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repeat_penalty: Penalty | None = None
    repetition_penalty: Penalty | None = None
    logit_bias: OptionalRaw = UNSET
    seed: int | None = None
    stop: OptionalRaw = UNSET
    ignore_eos: bool | None = None
    response_format: OptionalRaw = UNSET
    structured_outputs: OptionalRaw = UNSET
    grammar: str | None = None
    json_schema: OptionalRaw = UNSET
    metadata: OptionalRaw = UNSET
    store: bool | None = None
    service_tier: str | None = None
    priority: int | None = None
    cache_prompt: bool | None = None


class ChatRequest(SamplingRequest, kw_only=True):
    """Body of `POST /v1/chat/completions`."""

    messages: list[Raw]
    max_completion_tokens: Tokens | None = None
    tools: OptionalRaw = UNSET
    tool_choice: OptionalRaw = UNSET
    parallel_tool_calls: bool | None = None
    functions: OptionalRaw = UNSET
    function_call: OptionalRaw = UNSET
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    reasoning_effort: str | None = None
    reasoning_format: str | None = None
    thinking_budget_tokens: int | None = None
    verbosity: str | None = None
    modalities: OptionalRaw = UNSET
    audio: OptionalRaw = UNSET
    prediction: OptionalRaw = UNSET
    web_search_options: OptionalRaw = UNSET
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    chat_template_kwargs: OptionalRaw = UNSET
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    include_reasoning: bool | None = None


class CompletionRequest(SamplingRequest, kw_only=True):
    """Body of `POST /v1/completions`."""

    prompt: Raw
    suffix: str | None = None
    echo: bool | None = None
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None


class EmbeddingRequest(ModelRequest, kw_only=True):
    """Body of `POST /v1/embeddings`."""

    input: Raw
    encoding_format: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    truncate_prompt_tokens: int | None = None
    input_type: str | None = None


class RerankRequest(ModelRequest, kw_only=True):
    """Body of `POST /v1/rerank`."""

    query: str
    documents: list[Raw]
    top_n: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    return_documents: bool | None = None
    max_tokens_per_doc: int | None = None
    truncate_prompt_tokens: int | None = None


def with_fields(body: bytes, **fields: Any) -> bytes:  # noqa: ANN401 - any type that msgspec encodes
    """Return *body*, a valid JSON object, with *fields* set; the other fields keep their bytes."""
    content: dict[str, Any] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**content, **fields})
