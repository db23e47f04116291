"""GPU memory of a model, compared with figures calculated by hand."""

from dataclasses import replace

import pytest

from infra.quantities import GI
from infra.settings.engine_services import VllmService
from infra.sizing.vram import IN_FLIGHT, MODEL_SPECS, ModelSpec, Requests, Vram, kv_cache, weights

LLAMA = MODEL_SPECS["meta-llama/Meta-Llama-3.1-8B-Instruct"]
ONE, LONG = Requests(context_tokens=1), Requests(context_tokens=8192)


def test_weights_are_parameters_times_bytes() -> None:
    assert weights(LLAMA, "bfloat16") == 16_060_522_496


def test_a_token_of_llama_8b_uses_128_kib_of_cache() -> None:
    assert kv_cache(LLAMA, "bfloat16", ONE) == 2 * 32 * 8 * 128 * 2 == 128 * 1024


def test_fp8_halves_the_cache() -> None:
    assert 2 * kv_cache(LLAMA, "fp8", LONG) == kv_cache(LLAMA, "bfloat16", LONG)


def test_two_gpus_share_weights_and_cache() -> None:
    assert weights(LLAMA, "bfloat16", 2) * 2 == weights(LLAMA, "bfloat16")
    assert kv_cache(LLAMA, "bfloat16", LONG, 2) * 2 == kv_cache(LLAMA, "bfloat16", LONG)


def test_more_gpus_than_kv_heads_hold_copies() -> None:
    assert kv_cache(LLAMA, "bfloat16", LONG, 16) == kv_cache(LLAMA, "bfloat16", LONG, 8)


@pytest.mark.parametrize(("total", "share"), [(27 * GI, 0.85), (16 * GI, 0.5), (16 * GI + 1, 0.51)])
def test_utilization_is_rounded_up(total: int, share: float) -> None:
    assert Vram(weights=total, kv_cache=0, overhead=0).utilization(32 * GI) == share


def test_sliding_layers_keep_their_window() -> None:
    gemma = MODEL_SPECS["google/gemma-3-12b-it"]
    token = 2 * 8 * 256 * 2  # bytes on each layer
    long = Requests(context_tokens=100_000, sequences=2)
    assert kv_cache(gemma, "bfloat16", long) == token * (8 * 200_000 + 40 * (2 * 1024 + IN_FLIGHT))


def test_a_window_longer_than_the_context_saves_nothing() -> None:
    gemma = MODEL_SPECS["google/gemma-3-12b-it"]
    assert kv_cache(gemma, "bfloat16", LONG) == kv_cache(replace(gemma, window_layers=0), "bfloat16", LONG)


def test_latent_attention_keeps_one_vector_which_gpus_do_not_share() -> None:
    deepseek = MODEL_SPECS["deepseek-ai/DeepSeek-V2-Lite-Chat"]
    assert kv_cache(deepseek, "bfloat16", ONE) == 27 * 576 * 2
    assert kv_cache(deepseek, "bfloat16", ONE, 4) == kv_cache(deepseek, "bfloat16", ONE)


def test_an_encoder_keeps_no_cache() -> None:
    assert kv_cache(MODEL_SPECS["mixedbread-ai/mxbai-embed-large-v1"], "float16", LONG) == 0


def test_a_model_that_is_published_quantised_uses_its_stored_size() -> None:
    oss = MODEL_SPECS["openai/gpt-oss-20b"]
    assert weights(oss, "float32") == weights(oss, "bfloat16", quantization="fp8") == 13_761_264_768
    assert weights(oss, "bfloat16", 2) == 13_761_264_768 // 2


def test_a_quantised_engine_fits_where_the_plain_one_does_not() -> None:
    model = "Qwen/Qwen2.5-32B-Instruct"
    assert VllmService(model=model).vram(MODEL_SPECS).weights > 32 * GI
    assert VllmService(model=model, quantization="awq", sequences=1).vram(MODEL_SPECS).total < 32 * GI


@pytest.mark.parametrize("name", list(MODEL_SPECS))
def test_every_model_spec_is_consistent(name: str) -> None:
    model_spec: ModelSpec = MODEL_SPECS[name]
    assert model_spec.embedding is not None
    assert model_spec.heads is not None
    assert model_spec.window_layers < model_spec.layers
    assert model_spec.embedding * (1 if model_spec.tied else 2) < model_spec.parameters
    assert model_spec.kv_heads == 0 or model_spec.heads % model_spec.kv_heads == 0
