"""Fit of a model on a card, room beside other workloads, and the cost of a cache."""

import pytest

from infra.catalog.model_catalog import MODEL_SPECS
from infra.errors import SettingsError
from infra.plan.cache_cost import cache_cost
from infra.plan.gpu_room import holders, room
from infra.plan.model_fit import card_gpu, model_fit
from infra.quantities import GI
from infra.settings.engine_services import VllmService
from infra.sizing.budget import Capacity, Gpu, LedgerLine, ResourceClaim


def line(name: str, vram: int, gpus: int = 1) -> LedgerLine:
    claim = ResourceClaim(memory_request=1, memory_limit=1, cpu_request=1, cpu_limit=1, gpus=gpus, vram=vram * GI)
    return LedgerLine(name=name, claim=claim)


def node(*sizes: int, shares: int = 1) -> Capacity:
    gpus = tuple(Gpu(name=f"gpu-{size}", memory=size * GI, shares=shares) for size in sizes)
    return Capacity(memory=GI, cpu=1, gpus=gpus)


@pytest.mark.parametrize(
    ("others", "capacity", "expected"),
    [
        ([], node(32), 32),
        ([line("other", 12)], node(32, shares=2), 20),
        ([line("other", 12)], node(32), 0),
        ([line("other", 12)], node(32, 24), 32),
        ([line("other", 30)], node(32, 24), 24),
        ([], node(), 0),
    ],
)
def test_room_is_what_the_others_leave(others: list[LedgerLine], capacity: Capacity, expected: int) -> None:
    assert room([*others, line("ours", 0)], capacity, "ours", 1) == expected * GI


def test_room_on_two_cards_is_that_of_the_smaller_one() -> None:
    assert room([line("ours", 0)], node(32, 24), "ours", 2) == 24 * GI
    assert room([line("ours", 0)], node(32), "ours", 2) == 0


def test_holders_are_the_others_with_a_gpu() -> None:
    lines = [line("ours", 4), line("engine", 8), line("small", 0, gpus=0)]
    assert [each.name for each in holders(lines, "ours")] == ["engine"]


@pytest.mark.parametrize("name", ["rtx-5090", "NVIDIA GeForce RTX 5090"])
def test_a_card_has_two_names(name: str) -> None:
    assert card_gpu(name).name == "rtx-5090"


def test_an_unknown_card_is_named() -> None:
    with pytest.raises(SettingsError, match="--card: got 'gtx'; accepted: rtx-3060"):
        card_gpu("gtx")


@pytest.mark.parametrize(("size", "verdict"), [(24, "fits"), (17, "does not fit")])
def test_a_verdict_follows_from_what_is_left(size: int, verdict: str) -> None:
    service = VllmService(model="Qwen/Qwen3-8B", context_tokens=8192, sequences=1)
    result = model_fit(service, MODEL_SPECS, Gpu(name="test", memory=size * GI))
    assert result.verdict == verdict
    assert result.left == size * GI - result.vram.total


def test_a_shared_cache_takes_what_is_left() -> None:
    service = VllmService(model="Qwen/Qwen3-8B", context_tokens=8192, sequences=1)
    gpu = Gpu(name="test", memory=24 * GI)
    result = model_fit(service, MODEL_SPECS, gpu)
    with_cache = service.model_copy(update={"cache_tokens": result.shared_tokens})
    assert 0 <= gpu.free - with_cache.vram(MODEL_SPECS, gpu.memory).total < GI // 8
    assert result.most_sequences <= result.shared_contexts < result.most_sequences + 1


def test_one_token_costs_a_key_and_a_value_in_each_layer() -> None:
    spec = MODEL_SPECS["Qwen/Qwen3-8B"]
    cost = cache_cost(spec)
    assert cost.token == 2 * 36 * 8 * 128 * 2
    assert cost.sequence >= cost.token * spec.context_tokens
    assert (cost.window_token, cost.state) == (0, 0)


def test_windows_and_states_are_counted_apart() -> None:
    windows, states = cache_cost(MODEL_SPECS["google/gemma-3-4b-it"]), cache_cost(MODEL_SPECS["Qwen/Qwen3.6-27B"])
    assert (windows.token, windows.window_token) == (2 * 5 * 4 * 256 * 2, 2 * 29 * 4 * 256 * 2)
    assert states.state == 48 * (30_720 * 2 + 786_432 * 4)
    assert cache_cost(MODEL_SPECS["BAAI/bge-m3"]).sequence == 0
