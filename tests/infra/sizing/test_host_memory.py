"""What an Ollama fills of its RAM."""

import pytest

from infra.errors import SettingsError
from infra.plan.stack import plan
from infra.quantities import GI
from infra.sizing.host_memory import Loaded, largest, load
from infra.sizing.vram import MODEL_SPECS
from tests.conftest import changed, planned, settings_of

LLAMA = {"name": "llama3.1:8b", "card": "meta-llama/Llama-3.1-8B-Instruct"}
EMBED = {"name": "mxbai-embed-large", "card": "mixedbread-ai/mxbai-embed-large-v1", "quantization": "f16"}


def found(*models: dict[str, str], **fields: object) -> list[str]:
    """What the forge says with these *models* and *fields* of its Ollama."""
    config = changed("services.ollama.models", list(models))
    config["synapse:services"]["ollama"] |= fields
    return [finding.message for finding in plan(settings_of(config)).ledger.findings()]


def test_the_models_of_the_forge_fit_its_ollama() -> None:
    assert found(LLAMA, EMBED) == []


def test_a_model_takes_weights_cache_and_buffers() -> None:
    llama = load("m", MODEL_SPECS[LLAMA["card"]], "q4_k_m", 8192, 8)
    assert 4.55 * GI < llama.weights < 4.65 * GI
    assert llama.kv_cache == 8 * GI  # 8 x 8192 tokens of 128 KiB
    assert llama.buffers == 4 * GI  # 512 x 65536 scores of 32 heads in float32


def test_a_context_is_no_longer_than_the_model_has() -> None:
    embed = load("m", MODEL_SPECS[EMBED["card"]], "f16", 8192, 1)
    assert embed.kv_cache == 0
    assert embed.buffers == 4 * 512 * 512 * 16


def test_a_limit_that_is_too_small_is_named_with_the_parts() -> None:
    (message,) = found(LLAMA, EMBED, memory={"request": "16Gi", "limit": "16Gi"})
    for part in (
        "ollama: it fills 17.61Gi of RAM",
        "llama3.1:8b weights 4.61Gi",
        "llama3.1:8b KV cache 8Gi",
        "llama3.1:8b compute buffers 4Gi",
        "overhead 1Gi",
        "1.61Gi over its memory limit of 16Gi",
        "raise the limit, shorten the context",
    ):
        assert part in message
    assert "mxbai" not in message


def test_as_many_as_stay_loaded_count_largest_first() -> None:
    (message,) = found(EMBED, LLAMA, loadedModels=2, memory={"request": "16Gi", "limit": "16Gi"})
    assert message.index("llama3.1:8b weights") < message.index("mxbai-embed-large weights")


def test_without_models_nothing_is_claimed() -> None:
    assert largest([], 3, GI) == ()
    model = Loaded(name="m", weights=1, kv_cache=0, buffers=0)
    assert [part.name for part in largest([model], 3, GI)] == ["m weights", "overhead"]
    assert planned().ledger.findings() == []


def test_a_model_without_a_card_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"services\.ollama\.models: 'nobody' has no card; accepted: a `card`"):
        settings_of(changed("services.ollama.models", [{"name": "nobody"}]))


def test_a_sleeping_vllm_must_have_room_to_park() -> None:
    config = changed("services.vllm.sleep", value=True)
    config["synapse:services"]["vllm"]["memory"] = {"request": "8Gi", "limit": "18Gi"}
    (finding,) = plan(settings_of(config)).ledger.findings()
    assert "asleep it parks 14.96Gi of weights" in finding.message
