"""Bytes of a model's weights: as they are published, or by the bits of a format."""

import math

from infra.sizing.quantization import DTYPE_BYTES, scheme
from infra.sizing.specs.model_spec import ModelSpec

REPACKED = ("awq", "gptq", "compressed-tensors pack-quantized", "auto-round", "inc", "mxfp4", "gpt_oss_mxfp4")
"""Formats, by the start of their names, whose weights Marlin's kernels store in a layout of their own."""
REPACKING_PERCENT = 3
"""Bytes that this takes beside the published ones: 0.4 % for gpt-oss-20b and 2.5 % for gemma-3-27b in logs of vLLM."""


def weights(spec: ModelSpec, dtype: str, tensor_parallel: int = 1, quantization: str | None = None) -> int:
    """Return the bytes of the weights on each of *tensor_parallel* GPUs. Raises KeyError for an unknown dtype.

    A model that is published quantised uses its stored size, independent of the dtype.
    """
    name = spec.quantization or quantization or ""
    total = stored_weights(spec, dtype, quantization) + spec.padding
    if name.startswith(REPACKED):
        total = total * (100 + REPACKING_PERCENT) // 100
    return math.ceil(total / tensor_parallel)


def stored_weights(spec: ModelSpec, dtype: str, quantization: str | None = None) -> int:
    """Return the bytes of the weights in their files. Raises KeyError for an unknown dtype."""
    if spec.stored is not None:
        return spec.stored
    bits, plain = scheme(quantization, dtype), DTYPE_BYTES[dtype] * 8
    embedding, head = _ends(spec)
    kept = spec.unquantised or spec.vision  # quantisers leave an image encoder in the dtype
    body = spec.parameters - embedding - head - kept
    total = body * bits.of_group(spec.group_size) + embedding * (bits.embedding or 0) + head * (bits.head or 0)
    return math.ceil((total + kept * plain) / 8)


def _ends(spec: ModelSpec) -> tuple[int, int]:
    """Return the parameters of the embedding and of the output head; the upper bound where they are not known."""
    if spec.embedding is None:
        return 0, spec.parameters
    return (0, spec.embedding) if spec.tied else (spec.embedding, spec.embedding)
