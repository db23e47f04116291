"""Request bodies of Ollama's API: accepted fields and their bounds; any other field is refused."""

from typing import Annotated

import msgspec
from msgspec import UNSET

from synapse_gateway.api.schema import OptionalRaw, Penalty, Probability, Raw, Temperature, TopK

Predict = Annotated[int, msgspec.Meta(ge=-2, le=10_000_000)]
Size = Annotated[int, msgspec.Meta(ge=-1, le=10_000_000)]


class ModelOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Options of sampling, and of loading in Ollama; other backends ignore the latter."""

    seed: int | None = None
    temperature: Temperature | None = None
    top_k: TopK | None = None
    top_p: Probability | None = None
    min_p: Probability | None = None
    num_predict: Predict | None = None
    stop: list[str] | str | None = None
    repeat_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repeat_last_n: Size | None = None
    typical_p: Probability | None = None
    tfs_z: float | None = None
    mirostat: Annotated[int, msgspec.Meta(ge=0, le=2)] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    penalize_newline: bool | None = None
    num_keep: Size | None = None
    num_ctx: Size | None = None
    num_batch: Size | None = None
    num_gpu: Size | None = None
    main_gpu: Size | None = None
    num_thread: Size | None = None
    numa: bool | None = None
    low_vram: bool | None = None
    f16_kv: bool | None = None
    logits_all: bool | None = None
    vocab_only: bool | None = None
    use_mmap: bool | None = None
    use_mlock: bool | None = None
    embedding_only: bool | None = None


class CalledFunction(msgspec.Struct, kw_only=True):
    """Function of a tool call; its arguments are an object here, and the text of one in OpenAI's API."""

    name: str
    arguments: dict[str, Raw] = {}


class ToolCall(msgspec.Struct, kw_only=True):
    function: CalledFunction
    id: str | None = None


class Message(msgspec.Struct, kw_only=True):
    """One message of a conversation; *images* in base64."""

    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class OllamaRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Request body that names a model."""

    model: str
    options: ModelOptions | None = None
    keep_alive: float | str | None = None


class GenerationRequest(OllamaRequest, kw_only=True):
    """Common fields of /api/chat and /api/generate; *stream* is true by default."""

    stream: bool | None = None
    format: OptionalRaw = UNSET
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    truncate: bool | None = None
    shift: bool | None = None


class OllamaChatRequest(GenerationRequest, kw_only=True):
    """Body of `POST /api/chat`."""

    messages: list[Message] | None = None
    tools: list[Raw] | None = None


class OllamaGenerateRequest(GenerationRequest, kw_only=True):
    """Body of `POST /api/generate`."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    images: list[str] | None = None
    raw: bool | None = None
    template: str | None = None
    context: list[int] | None = None
    width: Size | None = None
    height: Size | None = None
    steps: Size | None = None


class OllamaEmbedRequest(OllamaRequest, kw_only=True):
    """Body of `POST /api/embed`."""

    input: str | list[str]
    truncate: bool | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


class OllamaEmbeddingsRequest(OllamaRequest, kw_only=True):
    """Body of `POST /api/embeddings`, which Ollama keeps for older clients."""

    prompt: str


class OllamaShowRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Body of `POST /api/show`."""

    model: str
    verbose: bool | None = None
