"""Bits per weight in each format, and the upper bound for an unknown one."""

from dataclasses import replace

import pytest

from infra.sizing.ggml_types import TYPES
from infra.sizing.quantization import GGUF, SCHEMES, scheme
from infra.sizing.vram import MODEL_SPECS, weights

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"]


@pytest.mark.parametrize(
    ("name", "bits"),
    [("F16", 16), ("Q8_0", 8.5), ("Q6_K", 6.5625), ("Q5_K", 5.5), ("Q4_K", 4.5), ("Q4_0", 4.5), ("IQ4_XS", 4.25)],
)
def test_bits_of_a_block_include_its_scales(name: str, bits: float) -> None:
    (kind,) = [kind for kind in TYPES.values() if kind.name == name]
    assert kind.bits == bits


@pytest.mark.parametrize(("name", "bits"), [("awq", 4.15625), ("gptq", 4.15625), ("fp8", 8), ("bitsandbytes", 4.5)])
def test_vllm_keeps_the_ends_of_a_quantised_model_in_the_dtype(name: str, bits: float) -> None:
    result = scheme(name, "bfloat16")
    assert (result.body, result.embedding, result.head) == (bits, 16, 16)


def test_llama_cpp_gives_the_head_more_bits() -> None:
    assert GGUF["q4_k_m"].head == 6.5625
    assert GGUF["q8_0"].head == 8.5


def test_a_tied_head_is_counted_once() -> None:
    model_spec = MODEL_SPECS["meta-llama/Llama-3.2-3B-Instruct"]
    assert model_spec.embedding is not None
    body = model_spec.parameters - model_spec.embedding
    assert weights(model_spec, "bfloat16", quantization="fp8") == body + 2 * model_spec.embedding


def test_an_unknown_format_is_the_dtype() -> None:
    assert scheme("exotic", "float32") == scheme(None, "float32")
    with pytest.raises(KeyError):
        scheme(None, "int3")


@pytest.mark.parametrize("name", list(SCHEMES))
def test_unknown_embeddings_count_as_an_upper_bound(name: str) -> None:
    assert weights(replace(LLAMA, embedding=None), "float16", quantization=name) >= weights(
        LLAMA, "float16", quantization=name
    )
