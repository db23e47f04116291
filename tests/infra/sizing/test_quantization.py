"""Bits per weight in each format, and the upper bound for an unknown one."""

import math
from dataclasses import replace

import pytest

from infra.catalog.engine_arguments import ENGINES
from infra.catalog.model_catalog import MODEL_SPECS
from infra.catalog.parser_names import EngineName
from infra.sizing.quantization import GGUF, KV_BYTES, SCHEMES, scheme
from infra.sizing.specs.ggml_types import TYPES
from infra.sizing.weights import stored_weights

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"]


@pytest.mark.parametrize(
    ("name", "bits"),
    [("F16", 16), ("Q8_0", 8.5), ("Q6_K", 6.5625), ("Q5_K", 5.5), ("Q4_K", 4.5), ("Q4_0", 4.5), ("IQ4_XS", 4.25)],
)
def test_bits_of_a_block_include_its_scales(name: str, bits: float) -> None:
    (kind,) = [kind for kind in TYPES.values() if kind.name == name]
    assert kind.bits == bits


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("awq", 4 + 20 / 128),
        ("gptq_marlin", 4 + 20 / 128),
        ("fp8", 8 + 32 / 16_384),
        ("fp8_per_channel", 8 + 32 / 16_384),
        ("bitsandbytes", 4.5),
        ("modelopt_fp4", 4.5),
        ("gpt_oss_mxfp4", 4.25),
        ("mxfp8", 8.25),
        ("int8", 8),
    ],
)
def test_vllm_keeps_the_ends_of_a_quantised_model_in_the_dtype(name: str, bits: float) -> None:
    result = scheme(name, "bfloat16")
    assert (result.of_group(128), result.embedding, result.head) == (bits, 16, 16)


@pytest.mark.parametrize(("size", "bits"), [(32, 4.625), (64, 4.3125), (128, 4.15625)])
def test_smaller_groups_take_more_bits(size: int, bits: float) -> None:
    assert scheme("awq", "bfloat16").of_group(size) == bits
    assert scheme("fp8", "bfloat16").of_group(size) == scheme("fp8", "bfloat16").body


@pytest.mark.parametrize(
    ("dtype", "size"), [("bfloat16", 2), ("fp8", 1), ("int8_per_token_head", 1.0625), ("nvfp4", 0.5625)]
)
def test_a_cache_of_few_bits_keeps_scales(dtype: str, size: float) -> None:
    assert KV_BYTES[dtype] == size


def test_llama_cpp_gives_the_head_more_bits() -> None:
    assert GGUF["q4_k_m"].head == 6.5625
    assert GGUF["q8_0"].head == 8.5


def test_a_tied_head_is_counted_once() -> None:
    model_spec = MODEL_SPECS["meta-llama/Llama-3.2-3B-Instruct"]
    assert model_spec.embedding is not None
    assert model_spec.embedding == 128_256 * 3072
    body = 3_212_749_824 - 128_256 * 3072
    expected = math.ceil(body * (8 + 32 / 16_384) / 8 + 2 * 128_256 * 3072)
    assert stored_weights(model_spec, "bfloat16", "fp8") == expected


def test_an_unknown_format_is_the_dtype() -> None:
    assert scheme("exotic", "float32") == scheme(None, "float32")
    with pytest.raises(KeyError):
        scheme(None, "int3")


@pytest.mark.parametrize("name", list(SCHEMES))
def test_unknown_embeddings_count_as_an_upper_bound(name: str) -> None:
    assert stored_weights(replace(LLAMA, embedding=None), "float16", name) >= stored_weights(LLAMA, "float16", name)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_dtype_of_the_cache_that_a_stack_file_accepts_has_a_size(engine: EngineName) -> None:
    assert ENGINES[engine].kv_dtypes - {"auto"} <= KV_BYTES.keys()
