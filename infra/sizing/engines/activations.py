"""GPU memory that vLLM and SGLang take beside weights and cache.

Each figure is an upper bound of what logs show; docs/vram.md has predicted beside real.
"""

from typing import Final

from infra.quantities import GI, MI
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.vram import EngineOptions

CONTEXT: Final = 1157 * MI
"""CUDA's context and the driver: 0.59 to 1.13 GiB by card and driver."""
WORKSPACE: Final = 394 * MI
"""FlashInfer's workspace."""
ALLOCATOR: Final = 3 * GI // 4
"""Memory that the allocator keeps beside the tensors of a step."""
COMMUNICATION: Final = GI // 2
"""NCCL and the custom all-reduce on each GPU of several."""
VISION: Final = GI // 2
"""The run of the image encoder by which the engine measures it."""
LOGIT_BYTES: Final = 24
"""Bytes of one logit while the sampler sorts: float32 four times, and an index of 8 bytes."""


def activations(spec: ModelSpec, options: EngineOptions, batched_tokens: int) -> int:
    """Return the bytes of the largest step: of its layers or of its sampler, and of the image encoder."""
    layers = batched_tokens * _token_bytes(spec)
    sampler = 0 if options.pooling else _rows(options) * spec.widths[2] * LOGIT_BYTES
    images = VISION if spec.vision and options.vision else 0
    return ALLOCATOR + max(layers, sampler) + images


def adapters(spec: ModelSpec, options: EngineOptions) -> int:
    """Return the bytes of the LoRA adapters on one GPU: two matrices for each projection of every layer."""
    if options.adapters is None:
        return 0
    hidden, inner, _ = spec.widths
    sides = 8 * hidden + 3 * (hidden + inner)
    each = options.adapters.rank * sides * spec.layers * 2
    return options.adapters.count * each


def communication(options: EngineOptions) -> int:
    return COMMUNICATION if options.tensor_parallel > 1 else 0


def _token_bytes(spec: ModelSpec) -> int:
    """Return the bytes of one token in the widest layer: 4 copies of it, 3 inside the layer, and recurrent scratch.

    Several GPUs share what is inside a layer, and gather it again: an upper bound counts all of it on each.
    """
    hidden, inner, _ = spec.widths
    scratch = max((group.convolution for group in spec.groups), default=0)
    return 2 * (4 * hidden + 3 * inner) + scratch


def _rows(options: EngineOptions) -> int:
    """Return the rows of logits in one step."""
    drafts = options.speculation.tokens if options.speculation else 0
    return options.sequences * (1 + drafts)
