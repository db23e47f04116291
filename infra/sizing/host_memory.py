"""What an engine on the CPU fills of its RAM: the models it keeps loaded, each with its KV cache and buffers.

Figures are bytes. Ollama and llama.cpp reserve the cache of every parallel request when they load a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.sizing.budget import Part
from infra.sizing.vram import ModelSpec, Requests, kv_cache, weights

BATCH = 512
"""Tokens of one step of llama.cpp (`n_ubatch`), for which it keeps the scores of every head and position in float32."""
UNKNOWN_HEADS = 64
KV_DTYPE = "float16"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One model in memory, its figures in bytes."""

    name: str
    weights: int
    kv_cache: int
    buffers: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.buffers

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its shares, for a message; those of nothing are left out."""
        sizes = {"weights": self.weights, "KV cache": self.kv_cache, "compute buffers": self.buffers}
        return tuple(Part(name=f"{self.name} {what}", size=size) for what, size in sizes.items() if size)


def load(name: str, model_spec: ModelSpec, quantization: str, context: int, parallel: int) -> Loaded:
    """The model *name* with *parallel* requests of *context* tokens each, or of its longest where that is less."""
    tokens = min(context, model_spec.context_tokens)
    in_flight = 2 * BATCH * parallel  # a step beside each window, rounded up by at most as much
    requests = Requests(context_tokens=tokens, sequences=parallel, in_flight=in_flight)
    return Loaded(
        name=name,
        weights=weights(model_spec, "float16", 1, quantization),
        kv_cache=kv_cache(model_spec, KV_DTYPE, requests),
        buffers=4 * BATCH * tokens * parallel * (model_spec.heads or UNKNOWN_HEADS),
    )


def largest(models: Sequence[Loaded], count: int, overhead: int) -> tuple[Part, ...]:
    """What the *count* largest of *models* fill together, with *overhead* bytes for the server; empty without any."""
    kept = sorted(models, key=lambda model: -model.total)[:count]
    parts = tuple(part for model in kept for part in model.parts)
    return (*parts, Part(name="overhead", size=overhead)) if parts else ()
