"""The bodies of Ollama's API: fields it has, within bounds, and nothing else."""

from typing import Annotated

import msgspec
from msgspec import UNSET

from synapse_gateway.api.schema import Anything, Penalty, Raw, Share, Temperature, TopK

Predict = Annotated[int, msgspec.Meta(ge=-2, le=10_000_000)]
Size = Annotated[int, msgspec.Meta(ge=-1, le=10_000_000)]


class Options(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How a model samples, and how Ollama loads it; the latter means nothing to another backend."""

    seed: int | None = None
    temperature: Temperature | None = None
    top_k: TopK | None = None
    top_p: Share | None = None
    min_p: Share | None = None
    num_predict: Predict | None = None
    stop: list[str] | str | None = None
    repeat_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repeat_last_n: Size | None = None
    typical_p: Share | None = None
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


class Function(msgspec.Struct, kw_only=True):
    """What a model calls; Ollama's arguments are an object, OpenAI's the text of one."""

    name: str
    arguments: dict[str, Raw] = {}


class ToolCall(msgspec.Struct, kw_only=True):
    function: Function
    id: str | None = None


class Message(msgspec.Struct, kw_only=True):
    """One message of a conversation. *images* are base64."""

    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class Named(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body that names a model."""

    model: str
    options: Options | None = None
    keep_alive: float | str | None = None


class Generated(Named, kw_only=True):
    """What /api/chat and /api/generate have in common. They stream unless they are told not to."""

    stream: bool | None = None
    format: Anything = UNSET
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    truncate: bool | None = None
    shift: bool | None = None


class OllamaChat(Generated, kw_only=True):
    """`POST /api/chat`."""

    messages: list[Message] | None = None
    tools: list[Raw] | None = None


class Generate(Generated, kw_only=True):
    """`POST /api/generate`."""

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


class Embed(Named, kw_only=True):
    """`POST /api/embed`."""

    input: str | list[str]
    truncate: bool | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None


class Embeddings(Named, kw_only=True):
    """`POST /api/embeddings`, which Ollama keeps for those who still use it."""

    prompt: str


class Show(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`POST /api/show`."""

    model: str
    verbose: bool | None = None
