"""Options of the kinds that run llama.cpp: Ollama, and llama.cpp's router."""

from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from infra.quantities import GI
from infra.settings.names import PREFIX
from infra.settings.presets import DEFAULT_PRESET, PresetName, preset_context, preset_sequences
from infra.settings.quantity_types import Bytes, Tokens
from infra.settings.schema import Section
from infra.settings.services import ModelLoading, ModelMemory, ModelStore, ServedModel, Service
from infra.sizing.budget import MemoryShare
from infra.sizing.host_memory import largest_models, loaded_model
from infra.sizing.model_specs import ModelSpec

DEFAULT_QUANTIZATION: Final = "q4_k_m"


class OllamaModel(Section):
    """A model that an Ollama serves, for the sum of its memory."""

    name: str
    """Its name in Ollama, such as `qwen3:8b`."""
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
