"""GPU memory of one engine by its parts, and the options of an engine that decide it.

Each engine has a module that turns a model spec, options and a card into these parts: `infra/sizing/engines`.
"""

import math
from dataclasses import dataclass, replace

from infra.sizing.budget import MemoryShare

ANNOTATION = "synapse.dev/vram"
"""Annotation of a pod: the memory that its engine uses on each GPU, as a quantity."""


@dataclass(frozen=True, kw_only=True)
class Vram:
    """GPU memory of one engine by its parts, in bytes on each of its GPUs."""

    weights: int
    kv_cache: int = 0  # keys, values, and states of sequences
    activations: int = 0  # the largest step, and the sampler
    graphs: int = 0
    workspace: int = 0  # buffers of kernels
    communication: int = 0  # between the GPUs of one engine
    adapters: int = 0  # LoRA
    context: int = 0  # of CUDA and its driver
    other: int = 0  # in place of all but weights and cache, where the stack file says how much
    contexts: float = math.inf  # whole contexts that the cache holds at once

    @property
    def overhead(self) -> int:
        """Bytes beside weights and cache."""
        return self.total - self.weights - self.kv_cache

    @property
    def total(self) -> int:
        return sum(share.size for share in self.parts)

    @property
    def parts(self) -> tuple[MemoryShare, ...]:
        """Parts that are not empty, by name."""
        sizes = {
            "weights": self.weights,
            "KV cache": self.kv_cache,
            "activations": self.activations,
            "CUDA graphs": self.graphs,
            "workspace": self.workspace,
            "communication": self.communication,
            "LoRA adapters": self.adapters,
            "CUDA context": self.context,
            "overhead": self.other,
        }
        return tuple(MemoryShare(name=name, size=size) for name, size in sizes.items() if size)

    def with_overhead(self, overhead: int | None) -> "Vram":
        """Return the same with *overhead* for all but weights and cache; unchanged for None."""
        if overhead is None:
            return self
        return Vram(weights=self.weights, kv_cache=self.kv_cache, other=overhead, contexts=self.contexts)

    def with_cache(self, kv_cache: int) -> "Vram":
        """Return the same with a cache of *kv_cache* bytes."""
        return replace(self, kv_cache=kv_cache)


@dataclass(frozen=True, kw_only=True)
class Speculation:
    """Speculative decoding: *tokens* that a head of the model drafts, or another model with *weights* bytes."""

    tokens: int
    layers: int = 0  # layers of the drafting part, which keep what those of the model keep
    weights: int = 0


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """LoRA adapters that are loaded at once, and their largest rank."""

    count: int
    rank: int = 16


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Options of an engine that decide its memory; a *kv_dtype* of `auto` is that of the checkpoint or the weights."""

    context_tokens: int
    sequences: int
    dtype: str = "bfloat16"
    kv_dtype: str = "auto"
    tensor_parallel: int = 1
    quantization: str | None = None
    batched_tokens: int | None = None  # tokens of one step; None: the engine's default on the card
    cache_tokens: int | None = None  # tokens that all sequences share; None: each has its whole context
    eager: bool = True
    prefix_caching: bool = True
    vision: bool = True  # images are accepted where the model has an encoder for them
    pooling: bool = False  # it returns vectors or scores
    speculation: Speculation | None = None
    adapters: Adapters | None = None
