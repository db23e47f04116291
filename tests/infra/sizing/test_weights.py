"""Bytes of weights, compared with figures calculated by hand."""

from dataclasses import replace

import pytest

from infra.catalog.model_catalog import MODEL_SPECS, names
from infra.quantities import GI
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.weights import stored_weights, weights

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"]
OSS = MODEL_SPECS["openai/gpt-oss-20b"]
ENDS = 2 * 128_256 * 4096
"""Embedding and output head of Llama 8B."""


def test_weights_are_parameters_times_bytes() -> None:
    assert weights(LLAMA, "bfloat16") == 2 * 8_030_261_248
    assert weights(LLAMA, "float32") == 4 * 8_030_261_248


def test_two_gpus_share_the_weights() -> None:
    assert weights(LLAMA, "bfloat16", 2) == 8_030_261_248
    assert weights(LLAMA, "bfloat16", 3) == 5_353_507_499  # rounded up


@pytest.mark.parametrize(("size", "bits"), [(128, 4.15625), (32, 4.625), (64, 4.3125)])
def test_a_group_of_weights_shares_a_scale_and_a_zero_point(size: int, bits: float) -> None:
    body = (8_030_261_248 - ENDS) * bits / 8
    assert stored_weights(replace(LLAMA, group_size=size), "bfloat16", "awq") == body + 2 * ENDS


def test_marlin_takes_three_percent_more_for_its_layout() -> None:
    stored = stored_weights(LLAMA, "bfloat16", "gptq")
    assert weights(replace(LLAMA, stored=stored, quantization="gptq"), "bfloat16") == stored * 103 // 100
    assert weights(replace(LLAMA, stored=stored, quantization="fp8"), "bfloat16") == stored


def test_a_quantiser_leaves_the_vision_tower_in_the_dtype() -> None:
    tower = 421_290_864
    gemma = MODEL_SPECS["google/gemma-3-12b-it"]
    embedding = 262_208 * 3840
    body = (12_187_325_040 - tower - embedding) * (8 + 32 / 128**2) / 8
    assert stored_weights(gemma, "bfloat16", "fp8") == pytest.approx(body + 2 * (tower + embedding), abs=1)


def test_a_model_that_is_published_quantised_uses_its_stored_size() -> None:
    assert stored_weights(OSS, "float32") == stored_weights(OSS, "bfloat16", "fp8") == 13_761_264_768


def test_kernels_pad_the_experts_of_gpt_oss() -> None:
    """24 layers of 32 experts with 3 matrices of 2880 x 2880, which become 3072 x 2944; 4.25 bits each."""
    padding = 24 * 32 * 3 * (3072 * 2944 - 2880 * 2880) * 4.25 / 8
    assert OSS.padding == padding == 917_471_232
    assert weights(OSS, "bfloat16") == (13_761_264_768 + 917_471_232) * 103 // 100


def test_a_quantised_model_fits_where_the_plain_one_does_not() -> None:
    qwen = MODEL_SPECS["Qwen/Qwen2.5-32B-Instruct"]
    assert weights(qwen, "bfloat16") > 61 * GI
    assert weights(qwen, "bfloat16", quantization="awq") < 20 * GI


def test_a_dtype_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        weights(LLAMA, "int3")


@pytest.mark.parametrize("name", names())
def test_every_model_spec_is_consistent(name: str) -> None:
    spec: ModelSpec = MODEL_SPECS[name]
    assert spec.embedding is not None
    assert spec.embedding * (1 if spec.tied else 2) < spec.parameters
    assert spec.hidden > 0
    assert spec.layers > 0
    assert spec.context_tokens > 0
    assert spec.stored is None or 0.4 < spec.stored / spec.parameters <= 2
    assert all(group.layers > 0 for group in spec.groups)


def test_an_image_encoder_stays_in_the_dtype() -> None:
    """Qwen3.8 27B: 27 layers of an encoder with 411,070,464 parameters, which 4 bits of the rest do not shrink."""
    qwen = MODEL_SPECS["Qwen/Qwen3.8-27B"]
    text = replace(qwen, vision=0)
    assert qwen.vision == 27 * (4 * 1152**2 + 2 * 1152 * 4304) == 411_070_464
    saved = stored_weights(qwen, "bfloat16", "mxfp4") - stored_weights(text, "bfloat16", "mxfp4")
    assert saved == 411_070_464 * (16 - 4.25) / 8
