"""GPU memory of vLLM by its parts, compared with figures calculated by hand."""

from dataclasses import replace

import pytest

from infra.catalog.cards import usable
from infra.catalog.model_catalog import MODEL_SPECS
from infra.quantities import GI, MI
from infra.sizing.engines import vllm_memory
from infra.sizing.engines.vllm_memory import batched_tokens, profile_bytes, vram
from infra.sizing.vram import Adapters, EngineOptions, Speculation

LLAMA = MODEL_SPECS["meta-llama/Llama-3.1-8B-Instruct"]
QWEN = MODEL_SPECS["Qwen/Qwen3.8-27B"]
GEMMA = MODEL_SPECS["google/gemma-3-12b-it"]
RTX_5090 = usable("rtx-5090")
ALLOCATOR = 768 * MI
TWO = EngineOptions(context_tokens=8192, sequences=2)


def test_a_step_has_four_copies_of_a_token_and_three_inside_the_widest_layer() -> None:
    layers = 2048 * 2 * (4 * 4096 + 3 * 14_336)
    assert vram(LLAMA, TWO, RTX_5090).activations == ALLOCATOR + layers


def test_many_sequences_are_sampled_at_once() -> None:
    sampler = 256 * 128_256 * 24
    assert vram(LLAMA, replace(TWO, sequences=256), RTX_5090).activations == ALLOCATOR + sampler
    pooling = replace(TWO, sequences=256, pooling=True, batched_tokens=2048)
    assert vram(LLAMA, pooling, RTX_5090).activations == vram(LLAMA, TWO, RTX_5090).activations


def test_drafted_tokens_are_rows_of_the_sampler() -> None:
    drafting = replace(TWO, sequences=128, speculation=Speculation(tokens=3))
    assert vram(LLAMA, drafting, RTX_5090).activations == ALLOCATOR + 128 * 4 * 128_256 * 24


def test_an_encoder_of_images_is_measured_unless_text_alone_is_served() -> None:
    text = vram(GEMMA, replace(TWO, vision=False), RTX_5090)
    assert vram(GEMMA, TWO, RTX_5090).activations == text.activations + 512 * MI


def test_a_recurrent_layer_needs_room_for_its_convolution() -> None:
    step = 2048 * (2 * (4 * 5120 + 3 * 17_408) + 30_720)
    assert vram(QWEN, replace(TWO, vision=False), RTX_5090).activations == ALLOCATOR + step


def test_figures_that_are_not_known_are_large() -> None:
    unknown = replace(LLAMA, hidden=0, feed_forward=0, vocabulary=0)
    layers = 2048 * 2 * (4 * 8192 + 3 * 4 * 8192)
    assert vram(unknown, TWO, RTX_5090).activations == ALLOCATOR + layers


@pytest.mark.parametrize(("sequences", "sizes"), [(1, 3), (2, 3), (4, 4), (64, 19), (256, 51), (1024, 51)])
def test_graphs_take_16_mib_for_each_size_of_a_batch(sequences: int, sizes: int) -> None:
    """1, 2 and 4, then each 8th up to 256 and each 16th up to 512, of twice the sequences."""
    options = replace(TWO, sequences=sequences, eager=False)
    assert vram(LLAMA, options, RTX_5090).graphs == GI // 4 + sizes * 16 * MI


def test_graphs_of_recurrent_layers_are_larger_on_every_gpu() -> None:
    options = replace(TWO, eager=False)
    assert vram(QWEN, options, RTX_5090).graphs == 48 * 63 * MI
    assert vram(QWEN, replace(options, tensor_parallel=2), RTX_5090).graphs == 48 * 63 * MI


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3.8-27B", "openai/gpt-oss-20b"])
def test_graphs_cost_memory(name: str) -> None:
    eager = vram(MODEL_SPECS[name], TWO, RTX_5090)
    captured = vram(MODEL_SPECS[name], replace(TWO, eager=False), RTX_5090)
    assert captured.total - eager.total == captured.graphs > eager.graphs == 0


def test_several_gpus_need_buffers_between_them() -> None:
    one, two = (vram(LLAMA, replace(TWO, tensor_parallel=gpus), RTX_5090) for gpus in (1, 2))
    assert (one.communication, two.communication) == (0, GI // 2)
    assert two.overhead > one.overhead


@pytest.mark.parametrize(
    ("card", "tokens"), [("rtx-3060", 2048), ("rtx-5090", 2048), ("l40s", 4096), ("h100", 8192), ("b200", 16_384)]
)
def test_a_step_of_a_larger_card_has_more_tokens(card: str, tokens: int) -> None:
    assert batched_tokens(TWO, usable(card)) == tokens
    assert batched_tokens(replace(TWO, batched_tokens=512), usable(card)) == 512


def test_a_text_that_becomes_a_vector_is_one_step() -> None:
    pooling = replace(TWO, pooling=True)
    assert batched_tokens(pooling, RTX_5090) == 8192
    assert batched_tokens(replace(pooling, context_tokens=100), RTX_5090) == 2048


def test_sequences_may_share_a_number_of_tokens() -> None:
    whole, shared = (vram(LLAMA, replace(TWO, sequences=8, cache_tokens=tokens), RTX_5090) for tokens in (None, 16_384))
    assert whole.kv_cache == 2 * MI * (1 + 8 * 512) * 102 // 100
    assert shared.kv_cache == 2 * MI * (1 + 1024) * 102 // 100
    assert (int(whole.contexts), int(shared.contexts)) == (8, 2)


def test_a_shared_cache_holds_one_whole_context_at_least() -> None:
    small = vram(LLAMA, replace(TWO, cache_tokens=16), RTX_5090)
    assert small.kv_cache == 2 * MI * (1 + 512) * 102 // 100


def test_a_shared_cache_can_start_every_sequence() -> None:
    """CUDA graphs of 64 sequences need as many blocks, of 49 MiB each, and without graphs one context is enough."""
    graphs = vram(QWEN, replace(TWO, sequences=64, cache_tokens=8192, eager=False), RTX_5090)
    assert graphs.kv_cache == 16 * 784 * 4096 * (1 + 64) * 102 // 100
    eager = vram(QWEN, replace(TWO, sequences=64, cache_tokens=8192), RTX_5090)
    assert eager.kv_cache == 16 * 784 * 4096 * (1 + 11 + 6) * 102 // 100


def test_a_drafting_head_keeps_a_cache_of_its_own() -> None:
    drafting = replace(TWO, sequences=1, speculation=Speculation(tokens=1, layers=1))
    assert vram(LLAMA, drafting, RTX_5090).kv_cache == 33 * 65_536 * 513 * 102 // 100


def test_a_drafting_model_brings_its_weights() -> None:
    plain, drafting = (
        vram(LLAMA, replace(TWO, tensor_parallel=2, speculation=each), RTX_5090)
        for each in (None, Speculation(tokens=1, weights=2 * GI))
    )
    assert drafting.weights == plain.weights + GI


def test_adapters_have_two_matrices_for_each_projection() -> None:
    """Rank 16 of Llama 8B: four projections of attention and three of the feed-forward part, in bf16."""
    adapters = Adapters(count=4, rank=16)
    one = 32 * 2 * 16 * (8 * 4096 + 3 * (4096 + 14_336))
    assert vram(LLAMA, replace(TWO, adapters=adapters), RTX_5090).adapters == 4 * one
    assert vram(LLAMA, replace(TWO, adapters=adapters, tensor_parallel=2), RTX_5090).adapters == 4 * one
    assert vram(LLAMA, TWO, RTX_5090).adapters == 0


def test_the_checkpoint_chooses_the_dtype_of_the_cache() -> None:
    plain, scaled = (vram(replace(LLAMA, kv_dtype=dtype), TWO, RTX_5090).kv_cache for dtype in (None, "fp8"))
    assert scaled == plain // 2
    assert vram(replace(LLAMA, kv_dtype="fp8"), replace(TWO, kv_dtype="bfloat16"), RTX_5090).kv_cache == plain


def test_graphs_are_measured_with_a_block_for_each_sequence() -> None:
    options = replace(TWO, sequences=256)
    assert profile_bytes(QWEN, options, RTX_5090) == 256 * 16 * 784 * 4096
    assert profile_bytes(LLAMA, replace(TWO, sequences=1024), RTX_5090) == vllm_memory.CAPTURED * 2 * MI


def test_a_dtype_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        vram(LLAMA, replace(TWO, kv_dtype="int3"), RTX_5090)
