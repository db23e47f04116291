"""Options of the kinds that serve language models: Ollama, vLLM, SGLang and llama.cpp's router."""

from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from infra.quantities import GI, Bytes, Seconds, Tokens
from infra.settings.schema import PREFIX, Section
from infra.settings.services import ModelLoading, ModelMemory, ModelStore, ServedModel, Service, Task
from infra.sizing import sglang_flags, vllm_flags
from infra.sizing.budget import MemoryShare
from infra.sizing.host_memory import largest_models, loaded_model
from infra.sizing.model_specs import ModelSpec
from infra.sizing.vram import (
    ENGINE_OVERHEAD,
    SGLANG,
    VLLM,
    EngineOptions,
    Paging,
    Requests,
    Vram,
    required_vram,
    weights,
)

DEFAULT_QUANTIZATION: Final = "q4_k_m"


class OllamaModel(Section):
    """A model that an Ollama serves, for the sum of its memory."""

    name: str
    """Its name in Ollama, such as `llama3.1:8b`."""
    model_spec: str | None = Field(default=None, alias="card")
    """Name of its model spec, built in or under `models`; its own name if left out."""
    quantization: Literal[
        "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_0", "q4_k_m", "q4_k_s", "q4_0", "iq4_xs"
    ] = DEFAULT_QUANTIZATION
    """Format of its weights; ignored for a model spec with their size."""


class OllamaService(Service):
    """Ollama on the CPU: it loads models on demand and keeps them."""

    model_store: ClassVar[ModelStore | None] = "ollama"
    pulls_any_model: ClassVar[bool] = True

    parallel: int = Field(default=8, ge=1, le=64)
    """Requests that one model serves at the same time (`OLLAMA_NUM_PARALLEL`)."""
    loaded_models: int = Field(default=1, ge=1, le=16)
    """Models that are kept in memory at the same time (`OLLAMA_MAX_LOADED_MODELS`)."""
    keep_alive_s: int = Field(default=-1, ge=-1)
    """Seconds that an idle model stays loaded; -1 means without limit."""
    context_tokens: Tokens = 8192
    """Longest prompt and answer together, in tokens."""
    models: tuple[OllamaModel, ...] = ()
    """Models that it serves: the largest `loadedModels` of them must fit its memory limit together."""
    overhead: Bytes = GI
    """RAM of the server itself, added to weights, KV cache and compute buffers."""

    def served_models(self) -> tuple[ServedModel, ...]:
        return tuple(ServedModel(name=model.name, model_spec=model.model_spec or model.name) for model in self.models)

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:
        return loaded_model(name, model_spec, self._quantization(name, "f16"), 1, 1).weights

    def model_memory(self, name: str, model_spec: ModelSpec) -> ModelMemory:
        quantization = self._quantization(name, DEFAULT_QUANTIZATION)
        model = loaded_model(name, model_spec, quantization, self.context_tokens, self.parallel)
        return ModelMemory(weights=model.weights, kv_cache=model.kv_cache, other=model.buffers + self.overhead)

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:
        models = [
            loaded_model(
                model.name,
                model_specs[model.model_spec or model.name],
                model.quantization,
                self.context_tokens,
                self.parallel,
            )
            for model in self.models
        ]
        return largest_models(models, self.loaded_models, self.overhead)

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        for model in self.served_models():
            if model.model_spec not in model_specs:
                yield (
                    f"models: {model.name!r} has no model spec; accepted: a `card` with the name of a built-in one "
                    f"(docs/vram.md), or of a model under {PREFIX}models"
                )

    @property
    def model_loading(self) -> ModelLoading:
        return "ollama"

    @property
    def idle_seconds(self) -> int:
        return self.keep_alive_s

    @property
    def environment(self) -> dict[str, str]:
        """Variables of https://docs.ollama.com/faq; a keep-alive of -1 never unloads."""
        return {
            "OLLAMA_KEEP_ALIVE": "-1" if self.keep_alive_s < 0 else f"{self.keep_alive_s}s",
            "OLLAMA_NUM_PARALLEL": str(self.parallel),
            "OLLAMA_MAX_LOADED_MODELS": str(self.loaded_models),
            "OLLAMA_CONTEXT_LENGTH": str(self.context_tokens),
        }

    def _quantization(self, name: str, default: str) -> str:
        return next((model.quantization for model in self.models if model.name == name), default)


class LlamaRouterService(Service):
    """llama.cpp's router: it loads one of several models at the request of the gateway."""

    @property
    def model_loading(self) -> ModelLoading:
        return "router"


class EngineService(Service):
    """One model on a GPU; every memory figure of the engine follows from these options."""

    model_store: ClassVar[ModelStore | None] = "snapshot"
    paging: ClassVar[Paging]

    model: str = "meta-llama/Meta-Llama-3.1-8B-Instruct"
    """Model to serve; it needs a model spec, built in or under `models`."""
    context_tokens: Tokens = 8192
    """Longest prompt and answer together, in tokens; the KV cache holds this for every sequence."""
    sequences: int = Field(default=10, ge=1, le=4096)
    """Requests that are served at the same time."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """Type of the weights."""
    kv_dtype: Literal["auto", "fp8"] = "auto"
    """Type of the KV cache; `auto` is that of the weights."""
    quantization: Literal["fp8", "awq", "gptq", "bitsandbytes"] | None = None
    """Format of the published weights; the engine can also convert other weights to `fp8` and `bitsandbytes`."""
    eager: bool = True
    """Run without CUDA graphs, which cost memory and failed on early Blackwell builds."""
    tensor_parallel: int = Field(default=1, ge=1, le=16)
    """GPUs that one engine is spread over."""
    overhead: Bytes = ENGINE_OVERHEAD
    """VRAM for CUDA and activations, added to weights and KV cache."""
    shared_memory: Bytes = 4 * GI
    """Size of /dev/shm, which counts towards the memory limit."""
    load_s: Seconds = 1800
    """Seconds that a start may take: the first one downloads the model."""

    def served_models(self) -> tuple[ServedModel, ...]:
        return (ServedModel(name=self.model, model_spec=self.model),)

    def model_path(self, name: str, mount: str) -> str:
        return f"{mount}/hub/models--{name.replace('/', '--')}"

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:
        return self.vram({name: model_spec}).weights * self.tensor_parallel

    def model_memory(self, name: str, model_spec: ModelSpec) -> ModelMemory:
        vram = self.vram({name: model_spec})
        return ModelMemory(weights=vram.weights, kv_cache=vram.kv_cache, other=vram.overhead)

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

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:  # noqa: ARG002
        model_spec = model_specs.get(self.model)
        if model_spec is None:
            yield (
                f"model: got {self.model!r}, which has no model spec; accepted: {', '.join(model_specs)}, "
                f"or a model under {PREFIX}models"
            )
        elif self.context_tokens > model_spec.context_tokens:
            yield (
                f"contextTokens: got {self.context_tokens}; "
                f"accepted: at most {model_spec.context_tokens}, the longest context of {self.model}"
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


class VllmService(EngineService):
    """vLLM: one model on a GPU, with an optional sleep mode."""

    paging = VLLM

    task: Literal["chat", "embeddings", "rerank"] = "chat"
    """Task of the model; `embeddings` and `rerank` are served by vLLM's pooling runner."""
    sleep: bool = False
    """Enable sleep mode: a sleeping engine keeps its weights in RAM, which the memory limit must cover."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (self.task,)

    @property
    def is_pooling(self) -> bool:
        """True for a model that returns vectors or scores instead of text."""
        return self.task != "chat"

    def flags(self, vram: Vram | None, gpu_memory: int) -> tuple[str, ...]:
        return vllm_flags.write(self, vram, gpu_memory) if vram else ()

    def sleeping_weights(self, model_specs: Mapping[str, ModelSpec]) -> int:
        return weights(model_specs[self.model], self.dtype, 1, self.quantization) if self.sleep else 0

    @property
    def model_loading(self) -> ModelLoading | None:
        return "sleep" if self.sleep else None

    @property
    def environment(self) -> dict[str, str]:
        """Development mode, without which vLLM has no endpoints to sleep and wake up."""
        return {"VLLM_SERVER_DEV_MODE": "1"} if self.sleep else {}


class SglangService(EngineService):
    """SGLang: one model on a GPU, instead of vLLM or on another GPU."""

    paging = SGLANG

    @property
    def cache_tokens(self) -> int:
        """Tokens of the cache for all sequences together, in whole pages."""
        return Requests(context_tokens=self.context_tokens, sequences=self.sequences, block=self.paging.block).tokens

    def flags(self, vram: Vram | None, gpu_memory: int) -> tuple[str, ...]:
        return sglang_flags.write(self, vram, gpu_memory) if vram else ()
