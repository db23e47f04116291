"""Memory of llama.cpp's router: the largest of its models, with its context and its slots."""

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.plan.service import ServicePlan
from infra.plan.stack import plan
from infra.quantities import GI
from tests.conftest import config_of, settings_of
from tests.infra.settings.test_engine_arguments import message


def router(**options: Any) -> ServicePlan:
    config = config_of("forge-llamacpp")
    config["synapse:services"]["llama-router"] = options
    (service,) = [each for each in plan(settings_of(config)).services if each.name == "llama-router"]
    return service


def test_its_claim_covers_the_largest_model() -> None:
    claim = router().claim
    assert claim.vram > 4.68 * GI + 32_768 * 144 * 1024  # Qwen3-8B in Q4_K_M, and 36 layers of 8 heads


def test_context_slots_and_cache_type_are_flags_and_move_the_claim() -> None:
    service = router(contextTokens=65_536, slots=4, kvType="q8_0")
    words = service.arguments
    assert [words[words.index(flag) + 1] for flag in ("--ctx-size", "--parallel", "--cache-type-k")] == [
        "65536",
        "4",
        "q8_0",
    ]
    assert words.count("--ctx-size") == 1
    assert service.claim.vram > router(contextTokens=65_536, kvType="q4_0").claim.vram
    assert router(contextTokens=65_536).claim.vram > service.claim.vram


def test_a_figure_of_the_stack_file_must_cover_it() -> None:
    config = config_of("forge-llamacpp")
    config["synapse:services"]["llama-router"] = {"gpuMemory": "1Gi"}
    assert "services.llama-router.gpuMemory: got 1Gi; accepted: 10." in message(config)
    assert router(gpuMemory="13Gi").claim.vram == 13 * GI


def test_a_model_without_a_spec_is_refused() -> None:
    config = config_of("forge-llamacpp")
    config["synapse:services"]["llama-router"] = {"models": [{"name": "acme-9b"}]}
    with pytest.raises(SettingsError, match="'acme-9b' has no model spec; accepted: a `card`"):
        settings_of(config)
