"""vLLM's pool of blocks, compared with figures calculated by hand; `tests/upstream/test_vllm_cache.py` asks vLLM."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.model_catalog import MODEL_SPECS, names
from infra.quantities import KI, MI
from infra.sizing.engines.vllm_cache import BlockPool, CacheOptions, block_pool
from infra.sizing.specs.layers import LayerGroup

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"].groups
GEMMA = MODEL_SPECS["google/gemma-3-12b-it"].groups
QWEN = MODEL_SPECS["Qwen/Qwen3.8-27B"].groups
LONG = CacheOptions(context_tokens=32_768, batched_tokens=2048, dtype="bfloat16")


@pytest.mark.parametrize(("context", "blocks"), [(1, 1), (16, 1), (17, 2), (8192, 512)])
def test_a_block_of_llama_8b_has_16_tokens_of_128_kib(context: int, blocks: int) -> None:
    pool = block_pool(LLAMA, replace(LONG, context_tokens=context))
    assert pool == BlockPool(block_bytes=2 * MI, blocks=blocks)
    assert pool.size(1) == 2 * MI * (1 + blocks) * 102 // 100  # vLLM's null block, and a reserve


def test_a_cache_of_8_bits_halves_the_block() -> None:
    assert block_pool(LLAMA, replace(LONG, dtype="fp8")).block_bytes == MI


@pytest.mark.parametrize(("gpus", "size"), [(2, MI), (8, 256 * KI), (16, 256 * KI)])
def test_gpus_share_the_heads_and_each_has_one_at_least(gpus: int, size: int) -> None:
    assert block_pool(LLAMA, replace(LONG, tensor_parallel=gpus)).block_bytes == size


@pytest.mark.parametrize(("batched", "sliding"), [(2048, 321), (8192, 1089)])
def test_windows_hold_two_steps_beside_themselves(batched: int, sliding: int) -> None:
    """Gemma 3 12B: 5 groups of 8 layers with a window of 1024, and one with full attention.

    1023 + 2 x 2048 tokens are 320 blocks of 16, 1023 + 2 x 8192 are 1088; one more since a window starts anywhere.
    """
    pool = block_pool(GEMMA, replace(LONG, batched_tokens=batched))
    assert pool == BlockPool(block_bytes=8 * 16 * 8192, blocks=2048 + 5 * sliding)


def test_a_window_longer_than_the_context_takes_the_context() -> None:
    pool = block_pool(GEMMA, replace(LONG, context_tokens=4096, batched_tokens=8192))
    assert pool.blocks == 256 + 5 * 257


@pytest.mark.parametrize(("dtype", "tokens", "blocks"), [("bfloat16", 784, 42), ("fp8", 1568, 21)])
def test_a_block_beside_a_state_holds_enough_tokens_for_it(dtype: str, tokens: int, blocks: int) -> None:
    """Qwen3.8 27B: a state of 30,720 values in bf16 and 786,432 in float32, for 3 groups of 16 layers."""
    pool = block_pool(QWEN, replace(LONG, dtype=dtype))
    token = 2 * 4 * 256 * (2 if dtype == "bfloat16" else 1)
    assert tokens * token >= 2 * 30_720 + 4 * 786_432 > (tokens - 16) * token
    assert pool == BlockPool(block_bytes=16 * tokens * token, blocks=blocks + 3 * 2)


def test_prefix_caching_keeps_a_second_state_and_drafts_one_each() -> None:
    assert block_pool(QWEN, replace(LONG, prefix_caching=False)).blocks == 42 + 3
    assert block_pool(QWEN, replace(LONG, context_tokens=784, speculative_tokens=2)).blocks == 1 + 3 * (2 + 2)


def test_graphs_need_one_block_for_each_sequence_whatever_its_length() -> None:
    pool = block_pool(QWEN, LONG)
    assert pool.blocks_for(80) == pool.block_bytes * (1 + 80) * 102 // 100


def test_latent_attention_keeps_one_vector_which_gpus_do_not_share() -> None:
    """DeepSeek V2 Lite: 27 layers of 576 values."""
    deepseek = MODEL_SPECS["deepseek-ai/DeepSeek-V2-Lite-Chat"].groups
    assert block_pool(deepseek, LONG).block_bytes == 27 * 16 * 576 * 2
    assert block_pool(deepseek, replace(LONG, tensor_parallel=4)) == block_pool(deepseek, LONG)


def test_a_block_of_latent_attention_beside_states_has_whole_128_tokens() -> None:
    groups = [LayerGroup(kind="latent", layers=7, latent=576), replace(QWEN[1], layers=21)]
    pool = block_pool(groups, LONG)
    assert pool.block_bytes == 7 * 2816 * 1152  # 2784 tokens would hold the state, 2816 are 22 x 128


def test_a_layer_with_fewer_values_gets_more_tokens_in_a_block() -> None:
    """Gemma 4 12B: 40 layers with a window and 8 heads of 256, 8 with one head of 512, a quarter of a page."""
    pool = block_pool(MODEL_SPECS["google/gemma-4-12B-it"].groups, LONG)
    assert pool == BlockPool(block_bytes=8 * 16 * 8192, blocks=32_768 // 64 + 5 * 321)


def test_nearly_equal_kinds_are_padded_to_the_larger() -> None:
    full = LayerGroup(kind="full", layers=13, kv_heads=8, head_size=64)
    sliding = replace(full, kind="sliding", layers=12, window=128)
    pool = block_pool([full, sliding], LONG)
    assert pool.block_bytes == 13 * 16 * 2048
    assert pool.blocks == 2048 + 265  # 127 + 2 x 2048 tokens


def test_a_chunk_is_kept_whole() -> None:
    chunked = LayerGroup(kind="chunked", layers=36, kv_heads=8, head_size=128, window=8192)
    pool = block_pool([replace(chunked, kind="full", layers=12), chunked], LONG)
    assert pool.blocks == 2048 + 3 * 768  # 8192 + 2 x 2048 tokens


def test_an_encoder_keeps_no_cache() -> None:
    pool = block_pool([LayerGroup(kind="none", layers=24)], LONG)
    assert pool.size(8) == 0
    assert pool.contexts(0) == math.inf


def test_whole_contexts_of_a_pool_are_counted_without_the_null_block() -> None:
    pool = BlockPool(block_bytes=10, blocks=4)
    assert [pool.contexts(size) for size in (0, 10, 50, 90, 95)] == [0, 0, 1, 2, 2]


@given(st.sampled_from(names()), st.integers(1, 131_072), st.integers(0, 4096), st.sampled_from(["bfloat16", "fp8"]))
def test_a_longer_context_takes_no_fewer_blocks(name: str, context: int, more: int, dtype: str) -> None:
    short = replace(LONG, context_tokens=context, dtype=dtype)
    pool, longer = (
        block_pool(MODEL_SPECS[name].groups, replace(short, context_tokens=context + each)) for each in (0, more)
    )
    assert pool.block_bytes == longer.block_bytes
    assert pool.blocks <= longer.blocks
