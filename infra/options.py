"""What a stack file may say about a service: the fields all share, and those of each kind."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra.budget import Gpu
from infra.quantities import GI, Bytes, DnsLabel, ImageRef, Millicores, Seconds, Tokens
from infra.vram import ENGINE_OVERHEAD, ModelCard, Vram, kv_cache, weights

Range = TypeVar("Range", bound="MemoryRange | CpuRange")


class Section(BaseModel):
    """A mapping of the stack file: camelCase keys, unknown ones refused, never changed after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )


class MemoryRange(Section):
    """What the scheduler sets aside for one pod, and what the pod may take at most."""

    request: Bytes
    """Set aside by the scheduler."""
    limit: Bytes
    """The most one pod may take; the sum of these must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "MemoryRange":
        return _ordered(self, self.request, self.limit)


class CpuRange(Section):
    """Cores set aside for one pod, and the most it may use."""

    request: Millicores
    """Set aside by the scheduler."""
    limit: Millicores
    """The most one pod may use; the sum of these must fit the budget."""

    @model_validator(mode="after")
    def request_within_limit(self) -> "CpuRange":
        return _ordered(self, self.request, self.limit)


def _ordered(section: Range, request: int, limit: int) -> Range:
    if request > limit:
        raise PydanticCustomError("range", "a request that is not above the limit")
    return section


class Service(Section):
    """What any service may set; what is left out comes from the catalogue."""

    kind: str | None = None
    """The kind of backend; the service's own name if left out."""
    image: ImageRef | None = None
    """The image, pinned by digest; the catalogue's if left out."""
    replicas: int | None = Field(default=None, ge=1, le=64)
    """How many pods; the kind's own number if left out."""
    memory: MemoryRange | None = None
    """Memory of one pod; the catalogue's claim if left out."""
    cpu: CpuRange | None = None
    """Cores of one pod; the catalogue's claim if left out."""
    disk: Bytes | None = None
    """Size of its first disk; the catalogue's if left out."""

    def vram(self, cards: Mapping[str, ModelCard]) -> Vram | None:  # noqa: ARG002
        """GPU memory of one replica; None for a service without a GPU. Raises KeyError for a model with no card."""
        return None

    @property
    def gpus(self) -> int:
        """GPUs, or shares of one, that one replica claims."""
        return 0

    @property
    def shared_memory_bytes(self) -> int:
        """Size of the memory-backed /dev/shm; 0 for none."""
        return 0

    @property
    def load_seconds(self) -> int | None:
        """How long it may take to load before it counts as failed; None for what its kind says."""
        return None


class OllamaService(Service):
    """Ollama on the CPU: models are loaded on demand and kept."""

    parallel: int = Field(default=8, ge=1, le=64)
    """Requests that one model serves at a time (`OLLAMA_NUM_PARALLEL`)."""
    loaded_models: int = Field(default=1, ge=1, le=16)
    """Models kept in memory at once (`OLLAMA_MAX_LOADED_MODELS`)."""
    keep_alive_s: int = Field(default=-1, ge=-1)
    """Seconds that an idle model stays loaded; -1 for ever."""
    context_tokens: Tokens = 8192
    """Longest prompt and answer together, in tokens."""


class VllmService(Service):
    """One model on a GPU; every memory figure of the engine follows from these."""

    model: str = "meta-llama/Meta-Llama-3.1-8B-Instruct"
    """The model to serve; it needs a card, built in or under `models`."""
    context_tokens: Tokens = 8192
    """Longest prompt and answer together, in tokens; the KV cache holds this for every sequence."""
    sequences: int = Field(default=10, ge=1, le=4096)
    """Requests that are served at the same time."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """Type of the weights."""
    kv_dtype: Literal["auto", "fp8"] = "auto"
    """Type of the KV cache; `auto` is that of the weights."""
    eager: bool = True
    """Run without CUDA graphs, which cost memory and failed on early Blackwell builds."""
    tensor_parallel: int = Field(default=1, ge=1, le=16)
    """GPUs that one engine is spread over."""
    overhead: Bytes = ENGINE_OVERHEAD
    """VRAM for CUDA and activations, beside weights and KV cache."""
    shared_memory: Bytes = 4 * GI
    """Size of /dev/shm, which counts towards the memory limit."""
    load_s: Seconds = 1800
    """Seconds that a start may take: the first one downloads the model."""

    def vram(self, cards: Mapping[str, ModelCard]) -> Vram:
        card = cards[self.model]
        kv_dtype = self.dtype if self.kv_dtype == "auto" else self.kv_dtype
        tokens = self.context_tokens * self.sequences
        return Vram(
            weights=weights(card, self.dtype, self.tensor_parallel),
            kv_cache=kv_cache(card, kv_dtype, tokens, self.tensor_parallel),
            overhead=self.overhead,
        )

    @property
    def gpus(self) -> int:
        return self.tensor_parallel

    @property
    def shared_memory_bytes(self) -> int:
        return self.shared_memory

    @property
    def load_seconds(self) -> int:
        return self.load_s


class GatewayService(Service):
    """The one entry point."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much the gateway logs."""


class GpuSection(Section):
    """One graphics card; shares above 1 mean time-slicing."""

    name: str
    """What messages call it."""
    memory: Bytes
    """Memory of the whole card."""
    shares: int = Field(default=1, ge=1, le=48)
    """Pods that may share it by time-slicing; its memory is not divided."""

    def gpu(self) -> Gpu:
        return Gpu(name=self.name, memory=self.memory, shares=self.shares)


class Target(Section):
    """One stop of a route: a service, and the name it knows the model by (the route's own if left out)."""

    service: DnsLabel
    """A key of `services`."""
    model: str | None = None
    """The name that the service knows the model by; the route's own if left out."""


class Card(Section):
    """A model that the built-in cards lack; the figures are those of its `config.json`."""

    parameters: int = Field(ge=1)
    """Number of weights."""
    layers: int = Field(ge=1)
    """`num_hidden_layers`."""
    kv_heads: int = Field(ge=1)
    """`num_key_value_heads`."""
    head_size: int = Field(ge=1)
    """`head_dim`, or hidden size by attention heads."""
    context_tokens: Tokens
    """`max_position_embeddings`."""

    def card(self) -> ModelCard:
        return ModelCard(**self.model_dump())
