"""Bits per weight in the dtypes of an engine and in quantization formats.

Quantisers treat the embedding and the output head differently from the layers between them (the body). The formats of
vLLM leave both in the dtype; llama.cpp gives the head more bits than the body.
"""

from dataclasses import dataclass

from infra.sizing.ggml_types import BITS

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "fp8": 1}

# A group of 128 weights shares a scale of 16 bits and a zero point of 4.
_GROUP_OF_128 = (16 + 4) / 128
# llama.cpp's K_M mixtures give half of the down projections, at most a third of the body, more bits; K_S and IQ4_XS
# an eighth of them (`llama_tensor_get_type` of llama-quant.cpp). Counting the whole third is an upper bound.
_HALF, _EIGHTH = 1 / 6, 1 / 24


@dataclass(frozen=True)
class Scheme:
    """Bits per weight of the body, the embedding and the output head; None: the bits of the dtype."""

    body: float
    embedding: float | None = None
    head: float | None = None


def _mixture(base: str, better: str, share: float, head: str = "Q6_K") -> Scheme:
    """Return the scheme of weights in *base*, with a *share* of the body in *better*."""
    body = BITS[base] + (BITS[better] - BITS[base]) * share
    return Scheme(body=body, embedding=BITS[base], head=BITS[head])


def _pure(kind: str, head: str | None = None) -> Scheme:
    return Scheme(body=BITS[kind], embedding=BITS[kind], head=BITS[head or kind])


VLLM = {
    "fp8": Scheme(body=8),
    "awq": Scheme(body=4 + _GROUP_OF_128),
    "gptq": Scheme(body=4 + _GROUP_OF_128),
    "bitsandbytes": Scheme(body=4 + 32 / 64),  # 64 weights share a scale of 32 bits
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


def scheme(name: str | None, dtype: str) -> Scheme:
    """Return the scheme *name*; for None or an unknown name the scheme of the *dtype*, an upper bound.

    Raises KeyError for an unknown dtype.
    """
    bits = DTYPE_BYTES[dtype] * 8
    result = SCHEMES.get(name or "", Scheme(body=bits))
    embedding = bits if result.embedding is None else result.embedding
    return Scheme(body=result.body, embedding=embedding, head=bits if result.head is None else result.head)
