"""The memory of a model on a GPU, against figures worked out by hand."""

import pytest

from infra.quantities import GI
from infra.vram import CARDS, Vram, kv_cache, weights

LLAMA = CARDS["meta-llama/Meta-Llama-3.1-8B-Instruct"]


def test_weights_are_parameters_times_bytes() -> None:
    assert weights(LLAMA, "bfloat16") == 16_060_522_496


def test_a_token_of_llama_8b_takes_128_kib_of_cache() -> None:
    assert kv_cache(LLAMA, "bfloat16", 1) == 2 * 32 * 8 * 128 * 2 == 128 * 1024


def test_fp8_halves_the_cache() -> None:
    assert 2 * kv_cache(LLAMA, "fp8", 8192) == kv_cache(LLAMA, "bfloat16", 8192)


def test_two_gpus_share_weights_and_cache() -> None:
    assert weights(LLAMA, "bfloat16", 2) * 2 == weights(LLAMA, "bfloat16")
    assert kv_cache(LLAMA, "bfloat16", 8192, 2) * 2 == kv_cache(LLAMA, "bfloat16", 8192)


@pytest.mark.parametrize(("total", "share"), [(27 * GI, 0.85), (16 * GI, 0.5), (16 * GI + 1, 0.51)])
def test_utilization_is_rounded_up(total: int, share: float) -> None:
    assert Vram(weights=total, kv_cache=0, overhead=0).utilization(32 * GI) == share
