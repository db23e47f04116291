"""What a stack file may say about a service: the fields all share, and those of each kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from infra import model_files
from infra.budget import Gpu, Part
from infra.host_memory import largest, load
from infra.quantities import GI, Bytes, DnsLabel, ImageRef, Millicores, Seconds, Tokens
from infra.vram import ENGINE_OVERHEAD, Engine, ModelCard, Vram, need, weights

Range = TypeVar("Range", bound="MemoryRange | CpuRange")
FIGURES = {"parameters", "layers", "kv_heads", "head_size", "context_tokens"}


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
    gpu_memory: Bytes | None = None
    """VRAM of one pod, for a kind whose engine has no figures of its own; the catalogue's claim if left out."""

    def vram(self, cards: Mapping[str, ModelCard]) -> Vram | None:  # noqa: ARG002
        """GPU memory of one replica; None for a service without a GPU. Raises KeyError for a model with no card."""
        return None

    def parked(self, cards: Mapping[str, ModelCard]) -> int:  # noqa: ARG002
        """Bytes of RAM that its engine's weights take while it sleeps. Raises KeyError for a model with no card."""
        return 0

    def resident(self, cards: Mapping[str, ModelCard]) -> tuple[Part, ...]:  # noqa: ARG002
        """What one replica is known to fill of its RAM. Raises KeyError for a model with no card."""
        return ()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that follow from its options, beside those of its kind."""
        return {}

    @property
    def gpus(self) -> int | None:
        """GPUs, or shares of one, that one replica claims; None for what its kind says."""
        return None

    @property
    def shared_memory_bytes(self) -> int:
        """Size of the memory-backed /dev/shm; 0 for none."""
        return 0

    @property
    def load_seconds(self) -> int | None:
        """How long it may take to load before it counts as failed; None for what its kind says."""
        return None


class OllamaModel(Section):
    """A model that an Ollama serves, for the sum of its memory."""

    name: str
    """What Ollama calls it, such as `llama3.1:8b`."""
    card: str | None = None
    """The name of its card, built in or under `models`; its own name if left out."""
    quantization: Literal[
        "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_0", "q4_k_m", "q4_k_s", "q4_0", "iq4_xs"
    ] = "q4_k_m"
    """The format of its weights; not read for a card that has their size."""


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
    models: tuple[OllamaModel, ...] = ()
    """The models it serves: the largest `loadedModels` of them must fit its memory limit together."""
    overhead: Bytes = GI
    """RAM of the server itself, beside weights, KV cache and compute buffers."""

    def resident(self, cards: Mapping[str, ModelCard]) -> tuple[Part, ...]:
        loaded = [
            load(model.name, cards[model.card or model.name], model.quantization, self.context_tokens, self.parallel)
            for model in self.models
        ]
        return largest(loaded, self.loaded_models, self.overhead)


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
    quantization: Literal["fp8", "awq", "gptq", "bitsandbytes"] | None = None
    """Format of the weights, which the model must come in (`fp8` and `bitsandbytes` are also made at loading)."""
    sleep: bool = False
    """Let the engine sleep: its weights are then parked in RAM, which the memory limit must cover."""
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
        engine = Engine(
            context_tokens=self.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
        )
        return need(cards[self.model], engine, self.overhead)

    def parked(self, cards: Mapping[str, ModelCard]) -> int:
        return weights(cards[self.model], self.dtype, 1, self.quantization) if self.sleep else 0

    @property
    def environment(self) -> dict[str, str]:
        """Without development mode vLLM has no endpoints to sleep and wake."""
        return {"VLLM_SERVER_DEV_MODE": "1"} if self.sleep else {}

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
    """A model that the built-in cards lack: its `file`, or the figures of its `config.json` down to `contextTokens`."""

    file: Path | None = None
    """A GGUF file or a folder of safetensors, whose header has all the figures."""
    parameters: int | None = Field(default=None, ge=1)
    """Number of weights."""
    layers: int | None = Field(default=None, ge=1)
    """`num_hidden_layers`."""
    kv_heads: int | None = Field(default=None, ge=0)
    """`num_key_value_heads`; 0 for an encoder, which keeps no KV cache."""
    head_size: int | None = Field(default=None, ge=1)
    """`head_dim`, or hidden size by attention heads."""
    context_tokens: Tokens | None = None
    """`max_position_embeddings`."""
    heads: int | None = Field(default=None, ge=1)
    """`num_attention_heads`, for compute buffers on the CPU; 64 if left out."""
    embedding: int | None = Field(default=None, ge=1)
    """`vocab_size` x `hidden_size`, which quantisers treat apart; left out, all weights count as such."""
    tied: bool = False
    """`tie_word_embeddings`: the output head is the embedding itself."""
    window: int = Field(default=0, ge=0)
    """`sliding_window`, in tokens."""
    window_layers: int = Field(default=0, ge=0)
    """How many of the layers have that window."""
    latent: int = Field(default=0, ge=0)
    """`kv_lora_rank` + `qk_rope_head_dim`, of a model with latent attention."""
    stored: Bytes | None = None
    """Size of the weights, where the model comes quantised."""

    @model_validator(mode="after")
    def file_or_figures(self) -> "Card":
        needed = {"file"} if self.file else FIGURES
        if not needed <= self.model_fields_set or (self.file and len(self.model_fields_set) > 1):
            raise PydanticCustomError("card", "file alone, or parameters, layers, kvHeads, headSize and contextTokens")
        if self.window_layers > (self.layers or 0):
            raise PydanticCustomError("card", "no more windowLayers than layers")
        return self

    def card(self) -> ModelCard:
        """Raises ModelFileError when its file cannot be read."""
        if self.file:
            return model_files.card(self.file)[0]
        return ModelCard(**self.model_dump(exclude={"file"}))


class Consumer(Section):
    """A project in another namespace that uses the platform."""

    namespace: DnsLabel
    """Where it runs."""
    holds_gpu: bool = False
    """It still runs an Ollama of its own that claims the GPU; phase 2 waits for it."""
    direct_urls: tuple[str, ...] = ()
    """Addresses of backends that it still calls without the gateway; phase 5 waits for it."""


class IngressSection(Section):
    """The gateway's public name."""

    host: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")
    """The DNS name."""
    tls_secret: DnsLabel
    """The Secret that holds its certificate; it is made outside the stack."""
    class_name: DnsLabel = "traefik"
    """The ingress class; K3s brings `traefik`."""
