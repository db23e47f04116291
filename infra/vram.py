"""What a model needs of a GPU: its weights, the KV cache of its context, and the engine's own share.

Figures are bytes. The KV cache holds a key and a value per layer, KV head and position:
`2 x layers x kv_heads x head_size x bytes of the dtype` for every token of every sequence.
"""

import math
from dataclasses import dataclass

from infra.quantities import GI

ANNOTATION = "synapse.dev/vram"
"""On a pod: the GPU memory that its engine will take on each GPU, as a quantity."""
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "fp8": 1}
ENGINE_OVERHEAD = 2 * GI  # CUDA context, activations and fragmentation of an eager vLLM at 8k context


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The figures of a model's `config.json` that decide its memory."""

    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    context_tokens: int  # the longest context it was trained for


CARDS = {
    # Both names of one model: https://arxiv.org/abs/2407.21783, table 3.
    name: ModelCard(parameters=8_030_261_248, layers=32, kv_heads=8, head_size=128, context_tokens=131_072)
    for name in ("meta-llama/Meta-Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct")
}


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


def weights(card: ModelCard, dtype: str, tensor_parallel: int = 1) -> int:
    """Bytes of the weights on each of *tensor_parallel* GPUs."""
    return math.ceil(card.parameters * DTYPE_BYTES[dtype] / tensor_parallel)


def kv_cache(card: ModelCard, dtype: str, tokens: int, tensor_parallel: int = 1) -> int:
    """Bytes of keys and values of *tokens* positions on each of *tensor_parallel* GPUs."""
    per_token = 2 * card.layers * card.kv_heads * card.head_size * DTYPE_BYTES[dtype]
    return math.ceil(per_token * tokens / tensor_parallel)
