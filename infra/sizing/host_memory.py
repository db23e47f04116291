"""Working set of an engine on the CPU: the models it keeps loaded, each with its KV cache and buffers.

Figures are bytes. Ollama and llama.cpp reserve the cache of every parallel request when they load a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.sizing.budget import MemoryShare
from infra.sizing.vram import ModelSpec, Requests, kv_cache, weights

BATCH = 512
"""Tokens of one step of llama.cpp (`n_ubatch`); it keeps the scores of every head and position for them in float32."""
UNKNOWN_HEADS = 64
KV_DTYPE = "float16"


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


def loaded_model(name: str, model_spec: ModelSpec, quantization: str, context: int, parallel: int) -> LoadedModel:
    """Return the memory of the model *name* with *parallel* requests of *context* tokens, or of its longest context."""
    tokens = min(context, model_spec.context_tokens)
    in_flight = 2 * BATCH * parallel  # one step beside each window, and one more as the upper bound of rounding
    requests = Requests(context_tokens=tokens, sequences=parallel, in_flight=in_flight)
    return LoadedModel(
        name=name,
        weights=weights(model_spec, "float16", 1, quantization),
        kv_cache=kv_cache(model_spec, KV_DTYPE, requests),
        buffers=4 * BATCH * tokens * parallel * (model_spec.heads or UNKNOWN_HEADS),
    )


def largest_models(models: Sequence[LoadedModel], count: int, overhead: int) -> tuple[MemoryShare, ...]:
    """Return the shares of the *count* largest *models* and of the server's *overhead*; empty without models."""
    kept = sorted(models, key=lambda model: -model.total)[:count]
    shares = tuple(share for model in kept for share in model.shares)
    return (*shares, MemoryShare(name="overhead", size=overhead)) if shares else ()
