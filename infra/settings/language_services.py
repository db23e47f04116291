"""Options of the kinds that run llama.cpp: Ollama, and llama.cpp's router."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Final, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from infra.quantities import GI, gib, memory_text
from infra.settings.names import PREFIX
from infra.settings.presets import DEFAULT_PRESET, PresetName, preset_context, preset_sequences
from infra.settings.quantity_types import Bytes, Tokens
from infra.settings.schema import Section
from infra.settings.services import ModelLoading, ModelMemory, ModelStore, ServedModel, Service
from infra.sizing.budget import MemoryShare
from infra.sizing.engines import llama_memory
from infra.sizing.engines.llama_memory import LlamaOptions
from infra.sizing.host_memory import KV_TYPES, LoadedModel, largest_models, loaded_model
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import Vram
from infra.sizing.weights import stored_weights

DEFAULT_QUANTIZATION: Final = "q4_k_m"


KvType = Literal["f16", "q8_0", "q4_0"]
Quantization = Literal[
    "f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_0", "q4_k_m", "q4_k_s", "q4_0", "iq4_xs"
]


class OllamaModel(Section):
    """A model that an Ollama or a router of llama.cpp serves, for the sum of its memory."""

    name: str
    """Its name there, such as `qwen3:8b`."""
    model_spec: str | None = Field(default=None, alias="card")
    """Name of its model spec, of the catalog or under `models`; its own name if left out."""
    quantization: Quantization = DEFAULT_QUANTIZATION
    """Format of its weights; ignored for a model spec with their size."""


class OllamaService(Service):
    """Ollama on the CPU: it loads models on demand and keeps them."""

    model_store: ClassVar[ModelStore | None] = "ollama"
    pulls_any_model: ClassVar[bool] = True
    derived_variables: ClassVar[Mapping[str, str]] = {
        "OLLAMA_KEEP_ALIVE": "keepAliveS",
        "OLLAMA_NUM_PARALLEL": "parallel",
        "OLLAMA_MAX_LOADED_MODELS": "loadedModels",
        "OLLAMA_CONTEXT_LENGTH": "contextTokens",
        "OLLAMA_KV_CACHE_TYPE": "kvType",
    }

    preset: PresetName = DEFAULT_PRESET
    """Context and parallel requests where they are left out: `agents` for tools and long prompts, `chat` for many."""
    parallel: int = Field(default_factory=preset_sequences, ge=1, le=64)
    """Requests that one model serves at the same time (`OLLAMA_NUM_PARALLEL`); those of `preset` if left out."""
    loaded_models: int = Field(default=1, ge=1, le=16)
    """Models that are kept in memory at the same time (`OLLAMA_MAX_LOADED_MODELS`)."""
    keep_alive_s: int = Field(default=-1, ge=-1)
    """Seconds that an idle model stays loaded; -1 means without limit."""
    context_tokens: Tokens = Field(default_factory=preset_context)
    """Longest prompt and answer together, in tokens; that of `preset` if left out."""
    models: tuple[OllamaModel, ...] = ()
    """Models that it serves: the largest `loadedModels` of them must fit its memory limit together."""
    kv_type: KvType = "f16"
    """Type of the KV cache (`OLLAMA_KV_CACHE_TYPE`)."""
    overhead: Bytes = GI
    """RAM of the server itself, added to weights, KV cache and compute buffers."""

    def served_models(self) -> tuple[ServedModel, ...]:
        return tuple(ServedModel(name=model.name, model_spec=model.model_spec or model.name) for model in self.models)

    def model_weights(self, name: str, model_spec: ModelSpec) -> int:
        return stored_weights(model_spec, "float16", self._quantization(name, "f16"))

    def model_memory(self, name: str, model_spec: ModelSpec, gpu_memory: int = 0) -> ModelMemory:  # noqa: ARG002
        model = self._loaded(name, model_spec, self._quantization(name, DEFAULT_QUANTIZATION))
        return ModelMemory(weights=model.weights, kv_cache=model.kv_cache, other=model.buffers + self.overhead)

    def working_set(self, model_specs: Mapping[str, ModelSpec]) -> tuple[MemoryShare, ...]:
        models = [
            self._loaded(model.name, model_specs[model.model_spec or model.name], model.quantization)
            for model in self.models
        ]
        return largest_models(models, self.loaded_models, self.overhead)

    def _loaded(self, name: str, spec: ModelSpec, quantization: str) -> LoadedModel:
        options = LlamaOptions(
            context_tokens=self.context_tokens * self.parallel,
            slots=self.parallel,
            key_type=KV_TYPES[self.kv_type],
            value_type=KV_TYPES[self.kv_type],
            whole_windows=True,  # its runner gives every layer the whole context
        )
        return loaded_model(name, spec, quantization, options)

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:
        yield from super().errors(model_specs, routes)
        yield from _without_spec(self, model_specs)

    @property
    def model_loading(self) -> ModelLoading:
        return "ollama"

    @property
    def idle_seconds(self) -> int:
        return self.keep_alive_s

    @property
    def derived_environment(self) -> dict[str, str]:
        """Variables of https://docs.ollama.com/faq; a keep-alive of -1 never unloads."""
        return {
            "OLLAMA_KEEP_ALIVE": "-1" if self.keep_alive_s < 0 else f"{self.keep_alive_s}s",
            "OLLAMA_NUM_PARALLEL": str(self.parallel),
            "OLLAMA_MAX_LOADED_MODELS": str(self.loaded_models),
            "OLLAMA_CONTEXT_LENGTH": str(self.context_tokens),
        } | ({} if self.kv_type == "f16" else {"OLLAMA_KV_CACHE_TYPE": self.kv_type})

    def _quantization(self, name: str, default: str) -> str:
        return next((model.quantization for model in self.models if model.name == name), default)


ROUTER_MODELS: Final = (
    OllamaModel(name="Qwen3-8B-Q4_K_M", model_spec="Qwen/Qwen3-8B"),
    OllamaModel(name="Qwen2.5-Coder-7B-Instruct-Q4_K_M", model_spec="Qwen/Qwen2.5-Coder-7B-Instruct"),
)
"""The models that the catalog downloads for it."""


class LlamaRouterService(Service):
    """llama.cpp's router: it loads one of several models at the request of the gateway."""

    error: ClassVar[int] = llama_memory.ERROR
    derived_flags: ClassVar[Mapping[str, str]] = {
        "ctx-size": "contextTokens",
        "parallel": "slots",
        "cache-type-k": "kvType",
        "cache-type-v": "kvType",
    }

    context_tokens: Tokens = 32_768
    """Tokens of the KV cache of a loaded model, which its slots share."""
    slots: int = Field(default=1, ge=1, le=64)
    """Requests that a loaded model serves at the same time."""
    kv_type: KvType = "f16"
    """Type of the KV cache (`--cache-type-k`, `--cache-type-v`)."""
    models: tuple[OllamaModel, ...] = ROUTER_MODELS
    """Models in its folder, by the names of their files: the largest must fit the GPU."""

    def vram(self, model_specs: Mapping[str, ModelSpec], gpu_memory: int = 0) -> Vram | None:  # noqa: ARG002
        if self.engine == "cpu" or not self.models:
            return None
        loaded = [self._loaded(model, model_specs[model.model_spec or model.name]) for model in self.models]
        largest = max(loaded, key=lambda model: model.total)
        needed = Vram(
            weights=largest.weights,
            kv_cache=largest.kv_cache,
            activations=largest.buffers,
            context=llama_memory.CUDA,
        )
        return replace(needed, other=max((self.gpu_memory or 0) - needed.total, 0))

    def model_memory(self, name: str, model_spec: ModelSpec, gpu_memory: int = 0) -> ModelMemory:  # noqa: ARG002
        model = self._loaded(OllamaModel(name=name), model_spec)
        return ModelMemory(weights=model.weights, kv_cache=model.kv_cache, other=model.buffers + llama_memory.CUDA)

    def errors(self, model_specs: Mapping[str, ModelSpec], routes: Collection[str]) -> Iterator[str]:
        yield from super().errors(model_specs, routes)
        unknown = list(_without_spec(self, model_specs))
        yield from unknown
        for name in sorted(
            {"context_tokens", "slots", "kv_type", "models"} & self.model_fields_set if self.engine else ()
        ):
            yield f"{to_camel(name)}: has no effect with engine: {self.engine}; accepted: left out"
        needed = None if unknown else self.vram(model_specs)
        if needed and self.gpu_memory and needed.total > self.gpu_memory:
            yield (
                f"gpuMemory: got {memory_text(self.gpu_memory)}; accepted: {gib(needed.total)} or more, for the "
                "largest of its models with contextTokens and slots, or left out"
            )

    @property
    def added_flags(self) -> Mapping[str, str]:
        """Flags of the options that are set, which win over those of the catalog."""
        flags = {
            "--ctx-size": ("context_tokens", str(self.context_tokens)),
            "--parallel": ("slots", str(self.slots)),
            "--cache-type-k": ("kv_type", self.kv_type),
            "--cache-type-v": ("kv_type", self.kv_type),
        }
        return {flag: value for flag, (name, value) in flags.items() if name in self.model_fields_set}

    @property
    def model_loading(self) -> ModelLoading:
        return "router"

    def _loaded(self, model: OllamaModel, spec: ModelSpec) -> LoadedModel:
        options = LlamaOptions(
            context_tokens=self.context_tokens,
            slots=self.slots,
            key_type=KV_TYPES[self.kv_type],
            value_type=KV_TYPES[self.kv_type],
        )
        return loaded_model(model.name, spec, model.quantization, options)


def _without_spec(service: OllamaService | LlamaRouterService, model_specs: Mapping[str, ModelSpec]) -> Iterator[str]:
    """Yield an error for each model whose memory is not known."""
    for model in service.models:
        if (model.model_spec or model.name) not in model_specs:
            yield (
                f"models: {model.name!r} has no model spec; accepted: a `card` with the name of one of the catalog "
                f"(`synapse models catalog`), or of a model under {PREFIX}models"
            )
