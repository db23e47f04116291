"""Working set of an engine on the CPU: the models it keeps loaded, each with its KV cache and buffers.

Figures are bytes. Ollama and llama.cpp reserve the cache of every parallel request when they load a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.sizing.budget import MemoryShare
from infra.sizing.engines.llama_memory import LlamaOptions, buffer_bytes, cache_bytes
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.weights import weights

KV_TYPES: Final = {"f16": "F16", "q8_0": "Q8_0", "q4_0": "Q4_0"}
"""Types of Ollama's cache (`OLLAMA_KV_CACHE_TYPE`), and of llama.cpp's."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """Memory of one loaded model, in bytes."""

    name: str
    weights: int
    kv_cache: int
    buffers: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.buffers

    @property
    def shares(self) -> tuple[MemoryShare, ...]:
        """Memory shares for a message; empty shares are left out."""
        sizes = {"weights": self.weights, "KV cache": self.kv_cache, "compute buffers": self.buffers}
        return tuple(MemoryShare(name=f"{self.name} {part}", size=size) for part, size in sizes.items() if size)


def loaded_model(name: str, spec: ModelSpec, quantization: str, options: LlamaOptions) -> LoadedModel:
    """Return the memory of the model *name*, whose context is no longer than the one it was trained for."""
    longest = min(options.context_tokens, options.slots * spec.context_tokens)
    served = replace(options, context_tokens=longest)
    return LoadedModel(
        name=name,
        weights=weights(spec, "float16", 1, quantization),
        kv_cache=cache_bytes(spec, served),
        buffers=buffer_bytes(spec, served),
    )


def largest_models(models: Sequence[LoadedModel], count: int, overhead: int) -> tuple[MemoryShare, ...]:
    """Return the shares of the *count* largest *models* and of the server's *overhead*; empty without models."""
    kept = sorted(models, key=lambda model: -model.total)[:count]
    shares = tuple(share for model in kept for share in model.shares)
    return (*shares, MemoryShare(name="overhead", size=overhead)) if shares else ()
