"""Memory of llama.cpp, compared with figures calculated by hand; published ones are in test_published_memory.py."""

from dataclasses import replace

import pytest

from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.sizing.engines.llama_memory import LlamaOptions, buffer_bytes, cache_bytes
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"]
GEMMA = MODEL_SPECS["google/gemma-3-12b-it"]
QWEN = MODEL_SPECS["Qwen/Qwen3.8-27B"]
LONG = LlamaOptions(context_tokens=32_768)


def of_groups(*groups: LayerGroup) -> ModelSpec:
    return ModelSpec(parameters=1, groups=groups, context_tokens=131_072)


def test_a_token_of_llama_8b_takes_128_kib() -> None:
    assert cache_bytes(LLAMA, LONG) == 4 * GI
    assert cache_bytes(LLAMA, replace(LONG, slots=4)) == 4 * GI  # which the slots share


@pytest.mark.parametrize(("tokens", "cells"), [(1, 256), (256, 256), (257, 512)])
def test_cells_are_a_multiple_of_256(tokens: int, cells: int) -> None:
    assert cache_bytes(LLAMA, LlamaOptions(context_tokens=tokens)) == cells * 128 * 1024


@pytest.mark.parametrize(
    ("key", "value", "bits"), [("F16", "F16", 32), ("Q8_0", "Q8_0", 17), ("Q8_0", "Q4_0", 13), ("Q4_0", "Q4_0", 9)]
)
def test_keys_and_values_have_types_of_their_own(key: str, value: str, bits: int) -> None:
    assert cache_bytes(LLAMA, replace(LONG, key_type=key, value_type=value)) == 4 * GI * bits // 32


def test_a_window_holds_the_slots_and_one_step() -> None:
    """Gemma 3 12B: 8 layers with the whole context, 40 with a window of 1024; 8 KiB of a token in each."""
    one, four = 1024 + 512, 4 * 1024 + 512
    assert cache_bytes(GEMMA, LONG) == 8192 * (8 * 32_768 + 40 * one)
    assert cache_bytes(GEMMA, replace(LONG, slots=4)) == 8192 * (8 * 32_768 + 40 * (four // 256 * 256))
    assert cache_bytes(GEMMA, replace(LONG, step_tokens=2048)) == 8192 * (8 * 32_768 + 40 * (1024 + 2048))


def test_a_window_can_have_the_whole_context() -> None:
    assert cache_bytes(GEMMA, replace(LONG, whole_windows=True)) == 8192 * 48 * 32_768
    assert cache_bytes(GEMMA, LlamaOptions(context_tokens=512)) == 8192 * 48 * 512


def test_a_state_is_in_float32_for_each_slot() -> None:
    """Qwen3.8 27B: 48 layers of 817,152 values, 149.6 MiB; drafting keeps three of them."""
    attention, state = 16 * 4096 * 32_768, 48 * 817_152 * 4
    for slots, drafts, copies in ((1, False, 1), (4, False, 4), (4, True, 12)):
        options = replace(LONG, slots=slots, drafts=drafts)
        layers = 17 if drafts else 16
        exact = attention * layers // 16 + copies * state
        assert exact <= cache_bytes(QWEN, options) < exact + MI


def test_latent_attention_keeps_one_vector() -> None:
    deepseek = MODEL_SPECS["deepseek-ai/DeepSeek-V2-Lite-Chat"]
    assert cache_bytes(deepseek, LONG) == 972 * MI  # 27 layers of 576 values, as its log has it


def test_keys_and_values_may_have_different_lengths() -> None:
    group = LayerGroup(kind="full", layers=4, kv_heads=2, head_size=192, value_size=128)
    assert cache_bytes(of_groups(group), LONG) == 32_768 * 4 * 2 * (192 + 128) * 2


def test_layers_without_a_cache_take_nothing() -> None:
    assert cache_bytes(of_groups(LayerGroup(kind="none", layers=24)), LONG) == 0


def test_a_step_needs_logits_layers_and_the_mask() -> None:
    """512 tokens of Llama 8B: 128,256 logits, 6 x 4096 and 2 x 14,336 values in float32; 6 bytes for each cell."""
    step = 512 * (4 * 128_256 + 4 * (6 * 4096 + 2 * 14_336) + 6 * 32_768)
    assert buffer_bytes(LLAMA, LONG) == step
    unknown = replace(LLAMA, vocabulary=0, hidden=0, feed_forward=0)
    assert buffer_bytes(unknown, LONG) == 512 * (4 * 262_144 + 4 * (6 * 8192 + 2 * 4 * 8192) + 6 * 32_768)
