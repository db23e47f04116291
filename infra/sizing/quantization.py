"""Bits per weight in the dtypes of an engine and in quantization formats.

Quantisers treat the embedding and the output head differently from the layers between them (the body). The formats of
vLLM leave both in the dtype; llama.cpp gives the head more bits than the body.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from infra.sizing.specs.ggml_types import BITS

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "fp8": 1}
KV_BYTES: Mapping[str, float] = {
    **DTYPE_BYTES,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "int8_per_token_head": 1 + 4 / 64,  # a scale in float32 for each key and value, the smallest heads have 64
    "fp8_per_token_head": 1 + 4 / 64,
    "int4_per_token_head": 0.5 + 4 / 64,
    "nvfp4": 4.5 / 8,  # 16 values share a scale of 8 bits
}
"""Bytes of a value in the cache, by the dtype's name."""
GROUP = 128
"""Weights that share a scale of 16 bits and a zero point of 4, unless the checkpoint says another number."""
# llama.cpp's K_M mixtures give half of the down projections, at most a third of the body, more bits; K_S and IQ4_XS
# an eighth of them (`llama_tensor_get_type` of llama-quant.cpp). Counting the whole third is an upper bound.
_HALF, _EIGHTH = 1 / 6, 1 / 24


@dataclass(frozen=True)
class Scheme:
    """Bits per weight of the body, the embedding and the output head; None: the bits of the dtype."""

    body: float
    embedding: float | None = None
    head: float | None = None
    group_bits: int = 0  # bits that a group of weights shares, in the formats with groups

    def of_group(self, size: int) -> float:
        """Return the bits of the body with *size* weights in a group."""
        return self.body + self.group_bits / size


def _mixture(base: str, better: str, share: float, head: str = "Q6_K") -> Scheme:
    """Return the scheme of weights in *base*, with a *share* of the body in *better*."""
    body = BITS[base] + (BITS[better] - BITS[base]) * share
    return Scheme(body=body, embedding=BITS[base], head=BITS[head])


def _pure(kind: str, head: str | None = None) -> Scheme:
    return Scheme(body=BITS[kind], embedding=BITS[kind], head=BITS[head or kind])


VLLM = {
    "fp8": Scheme(body=8 + 32 / 128**2),  # a block of 128 x 128 weights shares a scale of 32 bits
    "awq": Scheme(body=4, group_bits=16 + 4),
    "gptq": Scheme(body=4, group_bits=16 + 4),
    "bitsandbytes": Scheme(body=4 + 32 / 64),  # 64 weights share a scale of 32 bits
    "nvfp4": Scheme(body=4 + 8 / 16),
    "mxfp4": Scheme(body=4 + 8 / 32),
    "mxfp8": Scheme(body=8 + 8 / 32),
    "int8": Scheme(body=8),
}
"""Formats that vLLM reads or makes at loading, by their name in the stack file."""

GGUF = {
    "f32": _pure("F32"),
    "f16": _pure("F16"),
    "bf16": _pure("BF16"),
    "q8_0": _pure("Q8_0"),
    "q6_k": _pure("Q6_K"),
    "q5_k_m": _mixture("Q5_K", "Q6_K", _HALF),
    "q5_k_s": _pure("Q5_K", "Q6_K"),
    "q5_0": _pure("Q5_0", "Q6_K"),
    "q4_k_m": _mixture("Q4_K", "Q6_K", _HALF),
    "q4_k_s": _mixture("Q4_K", "Q5_K", _EIGHTH),
    "q4_0": _pure("Q4_0", "Q6_K"),
    "iq4_xs": _mixture("IQ4_XS", "Q5_K", _EIGHTH + 1 / 48),  # 1/48: the value projections of attention
}
"""Formats of llama.cpp and Ollama, by their name in lower case."""

SCHEMES = {**VLLM, **GGUF}


ALIASES = {
    "auto_awq": "awq",
    "awq_marlin": "awq",
    "auto_gptq": "gptq",
    "gptq_marlin": "gptq",
    "fp8_per_tensor": "fp8",
    "fp8_per_block": "fp8",
    "fp8_per_channel": "fp8",
    "int8_per_channel_weight_only": "int8",
    "experts_int8": "int8",
    "modelopt_fp4": "nvfp4",
    "nvfp4_per_token": "nvfp4",
    "gpt_oss_mxfp4": "mxfp4",
    "modelopt_mxfp8": "mxfp8",
}
"""Other names of the engines for the same formats."""


def scheme(name: str | None, dtype: str) -> Scheme:
    """Return the scheme *name*; for None or an unknown name the scheme of the *dtype*, an upper bound.

    Raises KeyError for an unknown dtype.
    """
    bits = DTYPE_BYTES[dtype] * 8
    result = SCHEMES.get(ALIASES.get(name or "", name or ""), Scheme(body=bits))
    return replace(
        result,
        embedding=bits if result.embedding is None else result.embedding,
        head=bits if result.head is None else result.head,
    )
