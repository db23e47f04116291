"""Working set of an Ollama."""

import pytest

from infra.catalog.model_catalog import MODEL_SPECS
from infra.errors import SettingsError
from infra.plan.stack import plan
from infra.quantities import GI
from infra.sizing.engines.llama_memory import LlamaOptions
from infra.sizing.host_memory import LoadedModel, largest_models, loaded_model
from tests.conftest import changed, planned, settings_of

LLAMA = {"name": "llama3.1:8b", "card": "meta-llama/Llama-3.1-8B-Instruct"}
EMBED = {"name": "mxbai-embed-large", "card": "mixedbread-ai/mxbai-embed-large-v1", "quantization": "f16"}


def messages(*models: dict[str, str], **fields: object) -> list[str]:
    """Return the violations of the forge with these *models* and *fields* of its Ollama."""
    config = changed("services.ollama.models", list(models))
    config["synapse:services"]["ollama"] |= {"preset": "chat", **fields}
    return [violation.message for violation in plan(settings_of(config)).ledger.violations()]


def test_the_models_of_the_forge_fit_its_ollama() -> None:
    assert messages(LLAMA, EMBED) == []


def test_a_model_needs_weights_cache_and_buffers() -> None:
    options = LlamaOptions(context_tokens=8 * 8192, slots=8)
    llama = loaded_model("m", MODEL_SPECS[LLAMA["card"]], "q4_k_m", options)
    assert 4.55 * GI < llama.weights < 4.65 * GI
    assert llama.kv_cache == 8 * GI  # 8 x 8192 tokens of 128 KiB
    # 512 tokens: logits and the values between and inside layers in float32, and the mask of the cache
    assert llama.buffers == 512 * (4 * 128_256 + 4 * (6 * 4096 + 2 * 14_336) + 6 * 65_536)


def test_a_context_is_no_longer_than_the_model_has() -> None:
    embed = loaded_model("m", MODEL_SPECS[EMBED["card"]], "f16", LlamaOptions(context_tokens=8192))
    assert embed.kv_cache == 0
    assert embed.buffers == 512 * (4 * 30_522 + 4 * (6 * 1024 + 2 * 4096) + 6 * 512)


def test_slots_share_the_longest_context_of_each() -> None:
    spec = MODEL_SPECS["google/gemma-2-9b-it"]  # a context of 8192
    four, longer = (
        loaded_model("m", spec, "q8_0", LlamaOptions(context_tokens=each, slots=4)) for each in (32_768, 99_999)
    )
    assert four == longer


def test_a_limit_that_is_too_small_is_named_with_the_shares() -> None:
    (message,) = messages(LLAMA, EMBED, memory={"request": "12Gi", "limit": "12Gi"})
    for part in (
        "ollama: it needs 14.15Gi of RAM",
        "llama3.1:8b weights 4.61Gi",
        "llama3.1:8b KV cache 8Gi",
        "llama3.1:8b compute buffers 0.53Gi",
        "overhead 1Gi",
        "2.15Gi over its memory limit of 12Gi",
        "raise the limit, shorten the context",
    ):
        assert part in message
    assert "mxbai" not in message


def test_only_the_largest_loaded_models_count() -> None:
    (message,) = messages(EMBED, LLAMA, loadedModels=2, memory={"request": "12Gi", "limit": "12Gi"})
    assert message.index("llama3.1:8b weights") < message.index("mxbai-embed-large weights")


def test_without_models_nothing_is_claimed() -> None:
    assert largest_models([], 3, GI) == ()
    model = LoadedModel(name="m", weights=1, kv_cache=0, buffers=0)
    assert [share.name for share in largest_models([model], 3, GI)] == ["m weights", "overhead"]
    assert planned().ledger.violations() == []


def test_a_model_without_a_card_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"services\.ollama\.models: 'nobody' has no model spec; accepted: a `card`"
    ):
        settings_of(changed("services.ollama.models", [{"name": "nobody"}]))


def test_a_sleeping_vllm_needs_memory_for_its_weights() -> None:
    config = changed("services.vllm.sleep", value=True)
    config["synapse:services"]["vllm"]["memory"] = {"request": "8Gi", "limit": "18Gi"}
    (violation,) = plan(settings_of(config)).ledger.violations()
    assert "while it sleeps it keeps 15.26Gi of weights in RAM" in violation.message
