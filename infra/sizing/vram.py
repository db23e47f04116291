"""What a model needs of a GPU: its weights, the KV cache of its context, and the engine's own share.

Figures are bytes. The KV cache holds a key and a value per layer, KV head and position:
`2 x layers x kv_heads x head_size x bytes of the dtype` for every token of every sequence. Layers with a sliding
window keep only the window, and latent attention one short vector per layer. Against published figures: docs/vram.md.
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
    "Engine",
    "ModelSpec",
    "Paging",
    "Requests",
    "Vram",
    "kv_cache",
    "need",
    "weights",
]

ANNOTATION = "synapse.dev/vram"
"""On a pod: the GPU memory that its engine will take on each GPU, as a quantity."""
ENGINE_OVERHEAD = 2 * GI  # CUDA context, activations and fragmentation of an eager vLLM at 8k context
IN_FLIGHT = 8192
"""Tokens of one step of vLLM (`max_num_batched_tokens` at most, by default), which windows hold beside themselves."""


@dataclass(frozen=True, kw_only=True)
class Paging:
    """How an engine gives its KV cache out: in blocks of so many tokens, of which it keeps one for itself."""

    block: int
    keeps_windows: bool  # a layer with a sliding window holds that alone


VLLM = Paging(block=16, keeps_windows=True)
"""No request gets its null block: without one to spare the longest never starts (vllm-project/vllm#47272)."""
SGLANG = Paging(block=64, keeps_windows=False)
"""The largest page that its attention backends for such models take, and one to write padding to. Its layers with a
window hold a fixed share of all tokens (`--swa-full-tokens-ratio`), which is counted as all of them."""


@dataclass(frozen=True, kw_only=True)
class Vram:
    """The three parts of one engine's GPU memory, in bytes on each GPU it holds."""

    weights: int
    kv_cache: int
    overhead: int = ENGINE_OVERHEAD

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.overhead

    def utilization(self, gpu_memory: int) -> float:
        """The share of *gpu_memory* it takes, rounded up to a hundredth as vLLM's flag wants it."""
        return math.ceil(self.total * 100 / gpu_memory) / 100


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What an engine is told that decides its memory. A *kv_dtype* of `auto` is the dtype of the weights."""

    context_tokens: int
    sequences: int
    dtype: str
    kv_dtype: str = "auto"
    tensor_parallel: int = 1
    quantization: str | None = None
    paging: Paging = VLLM


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What a KV cache has room for: *sequences* of so many tokens, and those *in_flight* that a window is behind.

    Each sequence takes whole blocks of *block* tokens, and *spare* blocks are the engine's own.
    """

    context_tokens: int
    sequences: int = 1
    in_flight: int = IN_FLIGHT
    block: int = 1
    spare: int = 0

    @property
    def tokens(self) -> int:
        """Positions of a layer that looks back over everything."""
        return self.block * (self.sequences * math.ceil(self.context_tokens / self.block) + self.spare)

    def tokens_of(self, window: int) -> int:
        """Positions of a layer that looks back over *window* tokens."""
        return min(self.tokens, window * self.sequences + self.in_flight + self.block * self.spare)


def need(model_spec: ModelSpec, engine: Engine, overhead: int = ENGINE_OVERHEAD) -> Vram:
    """GPU memory of *engine* with the model of *model_spec*. Raises KeyError for an unknown dtype."""
    kv_dtype = engine.dtype if engine.kv_dtype == "auto" else engine.kv_dtype
    requests = Requests(
        context_tokens=engine.context_tokens, sequences=engine.sequences, block=engine.paging.block, spare=1
    )
    seen = model_spec if engine.paging.keeps_windows else replace(model_spec, window_layers=0)
    return Vram(
        weights=weights(model_spec, engine.dtype, engine.tensor_parallel, engine.quantization),
        kv_cache=kv_cache(seen, kv_dtype, requests, engine.tensor_parallel),
        overhead=overhead,
    )


def weights(model_spec: ModelSpec, dtype: str, tensor_parallel: int = 1, quantization: str | None = None) -> int:
    """Bytes of the weights on each of *tensor_parallel* GPUs. Raises KeyError for an unknown dtype.

    A model that comes quantised takes what it has stored, whatever the dtype.
    """
    total = _weights(model_spec, dtype, quantization) if model_spec.stored is None else model_spec.stored
    return math.ceil(total / tensor_parallel)


def kv_cache(model_spec: ModelSpec, dtype: str, requests: Requests, tensor_parallel: int = 1) -> int:
    """Bytes of the keys and values of all *requests*, on each of *tensor_parallel* GPUs.

    GPUs beyond the number of KV heads hold copies, and each holds all of a latent cache.
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
    """Parameters of the embedding and of the output head; of unknown ends everything, which counts too much."""
    if model_spec.embedding is None:
        return 0, model_spec.parameters
    return (0, model_spec.embedding) if model_spec.tied else (model_spec.embedding, model_spec.embedding)
