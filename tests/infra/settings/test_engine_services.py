"""Options of the GPU engines: parsers, presets, and models that the hub gives to an account alone."""

import pytest

from infra.catalog.model_catalog import MODEL_SPECS
from infra.errors import SettingsError
from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.engine_services import DEFAULT_MODEL, SglangService, VllmService
from infra.settings.language_services import OllamaService
from infra.settings.presets import DEFAULT_PRESET, PRESETS
from tests.conftest import Config, changed, settings_of

GATED = "meta-llama/Llama-3.1-8B-Instruct"
RTX_5090_FREE = 30.27
"""Memory of an RTX 5090 in GiB that is free when an engine starts, by public logs; 30.77 in the best of them."""


def message(config: Config) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(config)
    return str(raised.value)


def test_the_default_model_needs_no_token() -> None:
    assert not MODEL_SPECS[DEFAULT_MODEL].gated
    assert VllmService().model == SglangService().model == DEFAULT_MODEL


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_a_gated_model_without_a_token_is_refused(kind: str) -> None:
    config = changed("services.vllm.model", GATED)
    config["synapse:services"]["vllm"]["kind"] = kind
    assert message(config) == (
        f"Pulumi.test.yaml: synapse:services.vllm.model: got '{GATED}', which the hub gives only to an account that "
        "accepted its licence; accepted: with the token of such an account (`synapse secret set hfToken`, or "
        "`pulumi config set --secret synapse:hfToken`), or a model that needs none, such as Qwen/Qwen3-8B"
    )
    config["synapse:hfToken"] = {"secure": "v1:abc"}
    assert "vllm" in settings_of(config).services


def test_a_model_of_the_stack_file_may_be_gated() -> None:
    figures = {"parameters": 1000, "layers": 1, "kvHeads": 1, "headSize": 1, "contextTokens": 40_000}
    config = changed("models", {"acme/secret": {**figures, "gated": True}})
    config["synapse:services"]["vllm"]["model"] = "acme/secret"
    assert "services.vllm.model: got 'acme/secret', which the hub gives only" in message(config)
    config["synapse:models"]["acme/secret"]["gated"] = False
    assert settings_of(config).model_specs["acme/secret"].gated is False


def test_ollama_has_a_library_of_its_own_without_gates() -> None:
    models = [{"name": "llama3.1:8b", "card": GATED}]
    assert settings_of(changed("services.ollama.models", models)).services["ollama"].served_models()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("toolCallParser", "services.vllm.toolCallParser: got 'qwen'; accepted: apertus,"),
        ("reasoningParser", "services.vllm.reasoningParser: got 'qwen'; accepted: cohere_command3,"),
    ],
)
def test_a_parser_of_no_release_is_refused(key: str, expected: str) -> None:
    text = message(changed(f"services.vllm.{key}", "qwen"))
    assert expected in text
    assert text.endswith("or none")


def test_an_image_of_the_owner_may_have_other_parsers() -> None:
    config = changed("services.vllm.toolCallParser", "qwen")
    config["synapse:services"]["vllm"]["image"] = f"registry.example/vllm@sha256:{64 * 'a'}"
    assert settings_of(config)


@pytest.mark.parametrize("name", list(PRESETS))
@pytest.mark.parametrize("kind", [VllmService, SglangService])
def test_a_preset_says_context_and_sequences(kind: type[VllmService | SglangService], name: str) -> None:
    service, preset = kind.model_validate({"preset": name}), PRESETS[name]
    assert (service.context_tokens, service.sequences) == (preset.context_tokens, preset.sequences)
    service = kind.model_validate({"preset": name, "contextTokens": 4096, "sequences": 3})
    assert (service.context_tokens, service.sequences) == (4096, 3)


@pytest.mark.parametrize("name", list(PRESETS))
def test_ollama_has_the_same_presets(name: str) -> None:
    service, preset = OllamaService.model_validate({"preset": name}), PRESETS[name]
    assert (
        service.derived_environment.items()
        >= {
            "OLLAMA_CONTEXT_LENGTH": str(preset.context_tokens),
            "OLLAMA_NUM_PARALLEL": str(preset.sequences),
        }.items()
    )


def test_an_agent_has_room_for_its_first_request_and_its_answer() -> None:
    assert DEFAULT_PRESET == "agents"
    assert PRESETS["agents"].context_tokens >= 19_070 + 8_000  # Claude Code, and the least that agents ask for


@pytest.mark.parametrize("name", list(PRESETS))
@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_every_preset_fits_the_gpu_of_the_forge(name: str, kind: str) -> None:
    config = changed("services.vllm", {"kind": kind, "preset": name, "memory": {"request": "32Gi", "limit": "48Gi"}})
    planned = plan(settings_of(config))
    planned.ledger.check()
    (engine,) = [service for service in planned.services if service.name == "vllm"]
    assert engine.claim.vram <= RTX_5090_FREE * GI


def test_a_wrong_preset_is_one_line() -> None:
    assert message(changed("services.vllm.preset", "code")) == (
        "Pulumi.test.yaml: synapse:services.vllm.preset: got 'code'; accepted: 'agents' or 'chat'"
    )
