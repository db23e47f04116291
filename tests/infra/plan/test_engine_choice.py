"""Options of an engine for a model: the order in which they are tried, and that what is chosen fits."""

from dataclasses import replace
from typing import Any

import pytest

from infra.catalog import cards, model_catalog
from infra.plan.engine_choice import Choice, Request, choose
from infra.quantities import GI
from infra.settings.engine_services import EngineService, SglangService, VllmService

CARD = "rtx-5090"


def request(name: str, **changes: Any) -> Request:
    model = model_catalog.find(name)
    whole = Request(
        kind=VllmService,
        fields={},
        name=name,
        spec=model.spec,
        entry=model,
        card=CARD,
        gpu_memory=cards.usable(CARD),
        gpus=1,
        room=lambda _: cards.usable(CARD),
    )
    return replace(whole, **changes)


def chosen(name: str, **changes: Any) -> Choice:
    wish = request(name, **changes)
    choice = choose(wish)
    assert choice is not None
    assert wish.left(choice.options) >= 0
    return choice


def test_a_small_model_gets_the_preset_with_the_longest_context() -> None:
    assert chosen("Qwen/Qwen3-4B") == Choice(
        options={"contextTokens": 32_768, "sequences": 2}, reason="the preset agents"
    )


def test_a_cache_of_8_bits_is_used_only_where_it_is_needed() -> None:
    assert "kvDtype" not in chosen("Qwen/Qwen3-8B").options
    assert chosen("Qwen/Qwen3-8B", room=lambda _: 24 * GI).options["kvDtype"] == "fp8"


def test_a_context_is_never_longer_than_the_model_has() -> None:
    assert chosen("google/gemma-2-9b-it").options["contextTokens"] == 8192


def test_a_thin_margin_is_better_than_a_useless_context() -> None:
    choice = chosen("Qwen/Qwen3-14B")
    assert choice.options["contextTokens"] >= 8192
    assert choice.reason == "the longest context that fits"


def test_a_published_start_counts_for_its_card_alone() -> None:
    name = "nvidia/Gemma-4-26B-A4B-NVFP4"
    assert chosen(name).reason.startswith("a published start on rtx-5090")
    assert chosen(name, card="rtx-6000-ada").reason == "the preset agents"


def test_a_published_start_of_vllm_is_none_of_sglang() -> None:
    choice = chosen("nvidia/Gemma-4-26B-A4B-NVFP4", kind=SglangService)
    assert "published" not in choice.reason


def test_a_start_on_two_cards_needs_two() -> None:
    name = "Qwen/Qwen3.8-27B-FP8"
    two = chosen(name, gpus=2)
    assert two.options["tensorParallel"] == 2
    assert choose(request(name)) is None


def test_options_that_the_service_keeps_count() -> None:
    wish = request("Qwen/Qwen3-8B", fields={"eager": False}, room=lambda _: 24 * GI)
    assert wish.left({"eager": True}) > wish.left({})


@pytest.mark.parametrize("name", ["BAAI/bge-m3", "Qwen/Qwen3-Embedding-4B"])
def test_a_model_for_vectors_has_no_cache_of_8_bits(name: str) -> None:
    fields = {"task": "embeddings"}
    smallest = request(name, fields=fields)
    need = cards.usable(CARD) - smallest.left({"contextTokens": 256, "sequences": 1})
    choice = choose(request(name, fields=fields, room=lambda _: need + GI // 4))
    assert choice is None or "kvDtype" not in choice.options


def test_fixed_numbers_are_kept() -> None:
    options = chosen("Qwen/Qwen3-8B", context=40_960, sequences=9).options
    assert (options["contextTokens"], options["sequences"]) == (40_960, 9)
    assert options["cacheTokens"] >= 40_960


def test_fixed_numbers_that_do_not_fit_are_not_changed() -> None:
    assert choose(request("Qwen/Qwen3-14B", context=32_768, sequences=4)) is None


@pytest.mark.parametrize("name", model_catalog.names())
@pytest.mark.parametrize("kind", [VllmService, SglangService])
def test_what_is_chosen_fits_and_is_accepted(name: str, kind: type[EngineService]) -> None:
    wish = request(name, kind=kind)
    choice = choose(wish)
    if choice is not None:
        assert wish.left(choice.options) >= 0
        assert not list(wish.service(choice.options).errors(wish.specs, ()))
