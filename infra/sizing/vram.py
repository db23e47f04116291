"""GPU memory of a model: its weights, the KV cache of its context, and the overhead of the engine.

Figures are bytes. The KV cache holds a key and a value per layer, KV head and position:
`2 x layers x kv_heads x head_size x bytes of the dtype` for every token of every sequence. Layers with a sliding
window keep only the window, and latent attention keeps one short vector per layer. Comparison with published figures:
docs/vram.md.
"""

import math
from dataclasses import dataclass, replace

from infra.quantities import GI
from infra.sizing.model_specs import MODEL_SPECS, ModelSpec
from infra.sizing.quantization import DTYPE_BYTES, scheme

__all__ = [
    "ANNOTATION",
    "ENGINE_OVERHEAD",
    "MODEL_SPECS",
    "SGLANG",
    "VLLM",
    "EngineOptions",
    "ModelSpec",
    "Paging",
    "Requests",
    "Vram",
    "kv_cache",
    "required_vram",
    "weights",
]

ANNOTATION = "synapse.dev/vram"
"""Annotation of a pod: the memory that its engine uses on each GPU, as a quantity."""
ENGINE_OVERHEAD = 2 * GI  # CUDA context, activations and fragmentation of an eager vLLM at 8k context
IN_FLIGHT = 8192
"""Tokens of one step of vLLM (its default for `max_num_batched_tokens`), which a window holds in addition."""


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Allocation of an engine's KV cache in blocks of *block* tokens, one of which the engine reserves for itself."""

    block: int
    keeps_windows: bool  # a layer with a sliding window stores only the window


VLLM = Paging(block=16, keeps_windows=True)
"""Its null block serves no request: without a spare block the longest never starts (vllm-project/vllm#47272)."""
SGLANG = Paging(block=64, keeps_windows=False)
"""The largest page of its attention backends, and one page for padding. Layers with a window store a fixed share of all
tokens (`--swa-full-tokens-ratio`), which is counted as all tokens."""


@dataclass(frozen=True, kw_only=True)
class Vram:
    """GPU memory of one engine in three parts, in bytes on each of its GPUs."""

    weights: int
    kv_cache: int
    overhead: int = ENGINE_OVERHEAD

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.overhead

    def utilization(self, gpu_memory: int) -> float:
        """Return the total as a share of *gpu_memory*, rounded up to a hundredth for vLLM's flag."""
        return math.ceil(self.total * 100 / gpu_memory) / 100


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Options of an engine that decide its memory. A *kv_dtype* of `auto` is the dtype of the weights."""

    context_tokens: int
    sequences: int
    dtype: str
    kv_dtype: str = "auto"
    tensor_parallel: int = 1
    quantization: str | None = None
    paging: Paging = VLLM


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Requests that a KV cache must hold: *sequences* of *context_tokens* each, and *in_flight* tokens of a step.

    Each sequence uses whole blocks of *block* tokens; *spare* blocks are reserved for the engine.
    """

    context_tokens: int
    sequences: int = 1
    in_flight: int = IN_FLIGHT
    block: int = 1
    spare: int = 0

    @property
    def tokens(self) -> int:
        """Positions that a layer with full attention stores."""
        return self.block * (self.sequences * math.ceil(self.context_tokens / self.block) + self.spare)

    def tokens_of(self, window: int) -> int:
        """Return the positions that a layer with a sliding window of *window* tokens stores."""
        return min(self.tokens, window * self.sequences + self.in_flight + self.block * self.spare)


def required_vram(model_spec: ModelSpec, engine: EngineOptions, overhead: int = ENGINE_OVERHEAD) -> Vram:
    """Return the GPU memory of *engine* with this model. Raises KeyError for an unknown dtype."""
    kv_dtype = engine.dtype if engine.kv_dtype == "auto" else engine.kv_dtype
    requests = Requests(
        context_tokens=engine.context_tokens, sequences=engine.sequences, block=engine.paging.block, spare=1
    )
    cached = model_spec if engine.paging.keeps_windows else replace(model_spec, window_layers=0)
    return Vram(
        weights=weights(model_spec, engine.dtype, engine.tensor_parallel, engine.quantization),
        kv_cache=kv_cache(cached, kv_dtype, requests, engine.tensor_parallel),
        overhead=overhead,
    )


def weights(model_spec: ModelSpec, dtype: str, tensor_parallel: int = 1, quantization: str | None = None) -> int:
    """Return the bytes of the weights on each of *tensor_parallel* GPUs. Raises KeyError for an unknown dtype.

    A model that is published quantised uses its stored size, independent of the dtype.
    """
    total = _weights(model_spec, dtype, quantization) if model_spec.stored is None else model_spec.stored
    return math.ceil(total / tensor_parallel)


def kv_cache(model_spec: ModelSpec, dtype: str, requests: Requests, tensor_parallel: int = 1) -> int:
    """Return the bytes of the keys and values of all *requests*, on each of *tensor_parallel* GPUs.

    GPUs beyond the number of KV heads hold copies, and each GPU holds the whole latent cache.
    """
    whole, windowed = requests.tokens, requests.tokens_of(model_spec.window)
    positions = (model_spec.layers - model_spec.window_layers) * whole + model_spec.window_layers * windowed
    values = model_spec.latent or 2 * math.ceil(model_spec.kv_heads / tensor_parallel) * model_spec.head_size
    return positions * values * DTYPE_BYTES[dtype]


def _weights(model_spec: ModelSpec, dtype: str, quantization: str | None) -> int:
    bits = scheme(quantization, dtype)
    embedding, head = _ends(model_spec)
    body = model_spec.parameters - embedding - head
    return math.ceil((body * bits.body + embedding * (bits.embedding or 0) + head * (bits.head or 0)) / 8)


def _ends(model_spec: ModelSpec) -> tuple[int, int]:
    """Return the parameters of the embedding and of the output head; the upper bound where they are not known."""
    if model_spec.embedding is None:
        return 0, model_spec.parameters
    return (0, model_spec.embedding) if model_spec.tied else (model_spec.embedding, model_spec.embedding)
