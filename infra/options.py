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
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, protected_namespaces=()
    )


class MemoryRange(Section):
    """What the scheduler sets aside for one pod, and what the pod may take at most."""

    request: Bytes
    limit: Bytes

    @model_validator(mode="after")
    def request_within_limit(self) -> "MemoryRange":
        return _ordered(self, self.request, self.limit)


class CpuRange(Section):
    """Cores set aside for one pod, and the most it may use."""

    request: Millicores
    limit: Millicores

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
    image: ImageRef | None = None
    replicas: int | None = Field(default=None, ge=1, le=64)
    memory: MemoryRange | None = None
    cpu: CpuRange | None = None
    disk: Bytes | None = None

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
    loaded_models: int = Field(default=1, ge=1, le=16)
    keep_alive_s: int = Field(default=-1, ge=-1)
    context_tokens: Tokens = 8192


class VllmService(Service):
    """One model on a GPU; every memory figure of the engine follows from these."""

    model: str = "meta-llama/Meta-Llama-3.1-8B-Instruct"
    context_tokens: Tokens = 8192
    sequences: int = Field(default=10, ge=1, le=4096)
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    kv_dtype: Literal["auto", "fp8"] = "auto"
    eager: bool = True
    tensor_parallel: int = Field(default=1, ge=1, le=16)
    overhead: Bytes = ENGINE_OVERHEAD
    shared_memory: Bytes = 4 * GI
    load_s: Seconds = 1800

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


class GpuSection(Section):
    """One graphics card; shares above 1 mean time-slicing."""

    name: str
    memory: Bytes
    shares: int = Field(default=1, ge=1, le=48)

    def gpu(self) -> Gpu:
        return Gpu(name=self.name, memory=self.memory, shares=self.shares)


class Target(Section):
    """One stop of a route: a service, and the name it knows the model by (the route's own if left out)."""

    service: DnsLabel
    model: str | None = None


class Card(Section):
    """A model that the built-in cards lack; the figures are those of its `config.json`."""

    parameters: int = Field(ge=1)
    layers: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_size: int = Field(ge=1)
    context_tokens: Tokens

    def card(self) -> ModelCard:
        return ModelCard(**self.model_dump())
