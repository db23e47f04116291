"""What a stack file may say about a service: the fields all share, and those of each kind."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from infra.quantities import GI, Bytes, Image, Seconds, Tokens
from infra.settings.schema import CpuRange, MemoryRange, Section
from infra.sizing.budget import MemoryShare
from infra.sizing.host_memory import largest, load
from infra.sizing.vram import (
    ENGINE_OVERHEAD,
    SGLANG,
    VLLM,
    EngineOptions,
    ModelSpec,
    Paging,
    Requests,
    Vram,
    required_vram,
    weights,
)


class Service(Section):
    """What any service may set; what is left out comes from the catalog."""

    kind: str | None = None
    """The kind of backend; the service's own name if left out."""
    engine: Literal["cpu"] | None = None
    """`cpu` runs this repository's own engine of the kind, without a GPU or a download; the kind's own if left out."""
    image: Image | None = None
    """The image, pinned by digest, or `build` where its source is here; the catalog's if left out."""
    replicas: int | None = Field(default=None, ge=1, le=64)
    """How many pods; the kind's own number if left out."""
    memory: MemoryRange | None = None
    """Memory of one pod; the catalog's claim if left out."""
    cpu: CpuRange | None = None
    """Cores of one pod; the catalog's claim if left out."""
    disk: Bytes | None = None
    """Size of its first disk; the catalog's if left out."""
    timeout_s: Seconds | None = None
    """The longest that one request may take it, which is how long the gateway waits; the kind's own if left out."""
    gpu_memory: Bytes | None = None
    """VRAM of one pod, for a kind whose engine has no figures of its own; the catalog's claim if left out."""

    def vram(self, model_specs: Mapping[str, ModelSpec]) -> Vram | None:  # noqa: ARG002
        """GPU memory of one replica; None for a service without a GPU. Raises KeyError for a model with no card."""
        return None

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:  # noqa: ARG002
        """Bytes of RAM that its engine's weights take while it sleeps. Raises KeyError for a model with no card."""
        return 0

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:  # noqa: ARG002
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
    model_spec: str | None = Field(default=None, alias="card")
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

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:
        loaded = [
            load(
                model.name,
                model_specs[model.model_spec or model.name],
                model.quantization,
                self.context_tokens,
                self.parallel,
            )
            for model in self.models
        ]
        return largest(loaded, self.loaded_models, self.overhead)


class EngineService(Service):
    """One model on a GPU; every memory figure of the engine follows from these."""

    paging: ClassVar[Paging]

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

    def vram(self, model_specs: Mapping[str, ModelSpec]) -> Vram:
        engine = EngineOptions(
            context_tokens=self.context_tokens,
            sequences=self.sequences,
            dtype=self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=self.tensor_parallel,
            quantization=self.quantization,
            paging=self.paging,
        )
        return required_vram(model_specs[self.model], engine, self.overhead)

    @property
    def gpus(self) -> int:
        return self.tensor_parallel

    @property
    def shared_memory_bytes(self) -> int:
        return self.shared_memory

    @property
    def load_seconds(self) -> int:
        return self.load_s


class VllmService(EngineService):
    """vLLM: one model on a GPU, which may sleep."""

    paging = VLLM

    sleep: bool = False
    """Let the engine sleep: its weights are then parked in RAM, which the memory limit must cover."""

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        return weights(model_specs[self.model], self.dtype, 1, self.quantization) if self.sleep else 0

    @property
    def environment(self) -> dict[str, str]:
        """Without development mode vLLM has no endpoints to sleep and wake."""
        return {"VLLM_SERVER_DEV_MODE": "1"} if self.sleep else {}


class SglangService(EngineService):
    """SGLang: one model on a GPU, in vLLM's place or on a card of its own."""

    paging = SGLANG

    @property
    def cache_tokens(self) -> int:
        """Tokens that all sequences need of the cache together, in whole pages."""
        return Requests(context_tokens=self.context_tokens, sequences=self.sequences, block=self.paging.block).tokens


class HearingService(Service):
    """Speech to text."""

    vocabulary: Literal["digits"] | None = None
    """What the CPU engine is to hear, which it does well; open English, which it does poorly, if left out."""

    @property
    def environment(self) -> dict[str, str]:
        return {"SYNAPSE_ENGINES_GRAMMAR": self.vocabulary} if self.vocabulary else {}


class GatewayService(Service):
    """The one entry point."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much the gateway logs."""
    auto_model: str | None = None
    """The route that the model name `auto` stands for; the gateway's own choice if left out."""
    auto_coder_model: str | None = None
    """The route that it stands for where a question speaks of code; the gateway's own choice if left out."""
    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")
    """The OpenTelemetry collector that it sends spans to, such as `http://host:4318`; none if left out."""

    @property
    def environment(self) -> dict[str, str]:
        chosen = {
            "AUTO_GENERAL_MODEL": self.auto_model,
            "AUTO_CODER_MODEL": self.auto_coder_model,
            "OTLP_ENDPOINT": self.otlp_endpoint,
        }
        return {f"SYNAPSE_{name}": value for name, value in chosen.items() if value}


class PrometheusService(Service):
    """The store of every series."""

    retention_days: int = Field(default=15, ge=1, le=3650)
    """Days that series are kept; fewer where they would fill four fifths of its disk."""
