"""Memory against published starts: logs of engines, and recipes that run on one card or ran out of its memory."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.catalog.cards import USABLE_GIB, usable
from infra.catalog.model_catalog import MODEL_SPECS, Sighting, find, names
from infra.errors import BudgetError
from infra.quantities import GI, KI
from infra.settings.engine_services import VllmService
from infra.sizing.engines import vllm_flags
from tests.conftest import planned
from tests.infra.sizing.published_memory import H200, MEMORY, QWEN, RTX_5090, pool, vllm
from tests.infra.sizing.published_row import Row

FREE_AT_START = 30.27 * GI
"""The least of an RTX 5090 that logs show free when an engine starts."""
SEEN = [(name, seen) for name in names() for seen in find(name).seen if seen.card in USABLE_GIB]
RECIPES: dict[str, dict[str, Any]] = {
    "nvidia/Qwen3.6-27B-NVFP4": {"contextTokens": 131_072, "batchedTokens": 4096, "eager": False},
    "nvidia/Qwen3.6-35B-A3B-NVFP4": {"contextTokens": 262_144, "batchedTokens": 8192, "eager": False},
    "Inferact/Qwen3.8-27B-NVFP4": {"contextTokens": 32_768, "eager": True},
    "nvidia/Gemma-4-26B-A4B-NVFP4": {"contextTokens": 262_144, "batchedTokens": 4096, "eager": False},
    "Inferact/Muse-Glimmer-30B-NVFP4-W4A4": {"contextTokens": 131_072, "eager": False, "kvDtype": "auto"},
}
"""Model -> settings on one RTX 5090, with four sequences and a cache of 8 bits unless they say otherwise."""
NVFP4 = replace(MODEL_SPECS[QWEN], stored=int(24.04 * GI), quantization="modelopt NVFP4")


@pytest.mark.parametrize("row", MEMORY, ids=lambda row: f"{row.model} {row.what}")
def test_no_figure_is_below_the_published_one_or_far_above(row: Row) -> None:
    assert 0 <= row.error <= 0.1


def test_as_many_contexts_fit_as_the_log_says() -> None:
    """Qwen3.8 27B: 38.35 contexts of 8192 tokens in 31.24 GiB, of which one block is vLLM's own."""
    contexts = pool(QWEN, H200, contextTokens=8192).contexts(int(31.24 * GI))
    assert 38.35 * 0.995 < contexts <= 38.35


def as_planned(seen: Sighting) -> dict[str, Any]:
    """Return the keys of a stack file for a published start, whose sequences share one context."""
    return {
        "contextTokens": seen.context,
        "cacheTokens": seen.context,
        "sequences": seen.sequences or 4,
        "kvDtype": seen.kv_dtype or "auto",
        "tensorParallel": seen.gpus,
        "batchedTokens": seen.batched_tokens,
        "eager": seen.eager is not False,
        "textOnly": seen.text_only,
    }


@pytest.mark.parametrize(("name", "seen"), SEEN, ids=lambda value: str(getattr(value, "card", value)))
def test_a_start_that_was_seen_is_accepted(name: str, seen: Sighting) -> None:
    assert vllm(name, usable(seen.card), **as_planned(seen)).total <= usable(seen.card)


def test_starts_on_unknown_cards_are_none() -> None:
    assert len(SEEN) == sum(len(find(name).seen) for name in names()) >= 9


@pytest.mark.parametrize(
    ("name", "doublings"),
    list(zip(RECIPES, [1, 1, 2, 2, 2], strict=True)),
    ids=[name.partition("/")[2] for name in RECIPES],
)
def test_a_recipe_fits_one_rtx_5090_and_a_much_larger_cache_does_not(name: str, doublings: int) -> None:
    settings = {"kvDtype": "fp8", "sequences": 4, **RECIPES[name]}
    sizes = [settings["contextTokens"] * 2**power for power in range(doublings + 1)]
    totals = [vllm(name, RTX_5090, **settings, cacheTokens=size).total for size in sizes]
    assert [total <= RTX_5090 for total in totals] == [True] * doublings + [False]


@pytest.mark.parametrize("spec", [NVFP4, MODEL_SPECS["Inferact/Qwen3.8-27B-NVFP4"]], ids=["24.04 GiB", "catalog"])
def test_graphs_of_a_large_recurrent_model_do_not_fit_and_a_longer_context_without_them_does(spec: Any) -> None:
    settings: dict[str, Any] = {"specs": {QWEN: spec}, "kvDtype": "fp8"}
    assert vllm(QWEN, RTX_5090, **settings, contextTokens=32_768, eager=False).total > RTX_5090
    assert vllm(QWEN, RTX_5090, **settings, contextTokens=65_536, eager=True).total <= RTX_5090


def test_nothing_above_the_usable_memory_of_a_card_fits_it() -> None:
    """The shipped stack calls its card one of 32Gi; CUDA can use 31.36."""
    assert int(31.36 * GI) == RTX_5090
    vram = VllmService().vram(MODEL_SPECS, RTX_5090)
    exact = RTX_5090 - vram.weights - vram.kv_cache
    planned("services.vllm.overhead", f"{exact // KI}Ki").ledger.check()
    with pytest.raises(BudgetError, match="of VRAM"):
        planned("services.vllm.overhead", f"{exact // KI + 1}Ki").ledger.check()


@pytest.mark.parametrize("sequences", [4, 15])
def test_a_plan_that_is_too_large_says_how_many_sequences_would_fit(sequences: int) -> None:
    (violation,) = planned("services.vllm.sequences", sequences).ledger.violations()
    assert "fits on no GPU (rtx-5090 31.36Gi); at most 2 sequences of 32768 tokens or " in violation.message
    assert planned("services.vllm.sequences", 2).ledger.violations() == []


@given(
    name=st.sampled_from(names()),
    context=st.integers(1, 262_144),
    sequences=st.integers(1, 256),
    eager=st.booleans(),
    cache=st.sampled_from([None, 1, 100_000]),
)
def test_the_engine_never_asks_for_more_than_is_free_when_it_starts(
    name: str, context: int, sequences: int, *, eager: bool, cache: int | None
) -> None:
    service = VllmService(model=name, context_tokens=context, sequences=sequences, eager=eager, cache_tokens=cache)
    words = service.flags(service.vram(MODEL_SPECS, RTX_5090), MODEL_SPECS, RTX_5090)
    assert vllm_flags.read(words).utilization * 31.36 * GI < FREE_AT_START
