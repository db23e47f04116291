"""The places of models follow from the plan."""

import pytest

from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.models.inventory import ModelError, additional_model, find, models
from tests.conftest import changed, settings_of


@pytest.fixture(scope="module")
def forge() -> Plan:
    return plan(load("forge"))


@pytest.fixture(scope="module")
def llamacpp() -> Plan:
    return plan(load("forge-llamacpp"))


def test_the_forge_keeps_models_on_the_claims_of_their_services(forge: Plan) -> None:
    places = [(model.name, model.kind, model.disk.name, model.path) for model in models(forge) if model.disk]
    assert places == [
        ("qwen3:8b", "ollama", "ollama-models", "/models"),
        ("mxbai-embed-large", "ollama", "ollama-models", "/models"),
        (
            "Qwen/Qwen3-8B",
            "snapshot",
            "vllm-model-cache",
            "/models/hub/models--Qwen--Qwen3-8B",
        ),
    ]


def test_files_have_the_places_of_the_first_start(llamacpp: Plan) -> None:
    (model,) = [model for model in models(llamacpp) if model.name == "Qwen3-8B-Q4_K_M"]
    assert (model.kind, model.path, model.service.name) == ("file", "/models/llm/Qwen3-8B-Q4_K_M.gguf", "llama-router")
    assert model.url in {download.url for download in model.service.backend.downloads}


def test_a_service_that_fetches_its_own_model_keeps_it_on_its_claim() -> None:
    own = plan(settings_of(changed("services.speaches", {})))
    places = {model.name: (model.kind, model.disk.name) for model in models(own) if model.disk}
    assert places["digits"] == ("service", "speaches-model-cache")


def test_engines_of_this_repository_provide_their_models() -> None:
    assert {model.kind for model in models(plan(load("local")))} == {"service"}


def test_a_model_has_its_own_name_and_that_of_its_route(forge: Plan) -> None:
    assert find(forge, "qwen3:8b").service.name == "ollama"
    assert find(forge, "piper-tts").name == "tts-1"
    with pytest.raises(ModelError, match=r"qwen3-8b: several services have it \(ollama, vllm\); choose one"):
        find(forge, "qwen3-8b")
    assert find(forge, "qwen3-8b", "vllm-inference").kind == "snapshot"


def test_an_unknown_model_is_refused_with_the_accepted_names(forge: Plan) -> None:
    with pytest.raises(ModelError, match=r"gpt-9: not a model of vllm; accepted: Qwen/Qwen3-8B"):
        find(forge, "gpt-9", "vllm")


def test_some_services_accept_additional_models(forge: Plan, llamacpp: Plan) -> None:
    assert additional_model(forge, "qwen3:8b", "ollama").kind == "ollama"
    model = additional_model(llamacpp, "https://h.example/a/b/x-Q4_K_M.gguf?download=true", "llama-router")
    assert (model.path, model.name) == ("/models/llm/x-Q4_K_M.gguf", "x-Q4_K_M")
    with pytest.raises(ModelError, match="x: vllm accepts no additional model; accepted"):
        additional_model(forge, "x", "vllm")
    with pytest.raises(ModelError, match="--service: got nobody; accepted: ollama, vllm"):
        additional_model(forge, "x", "nobody")


def test_a_second_service_has_its_own_claim() -> None:
    config = changed("services.tiny", {"kind": "ollama", "models": [{"name": "a", "card": "microsoft/phi-4"}]})
    config["synapse:services"]["ollama"]["memory"]["limit"] = "32Gi"
    config["synapse:services"]["tiny"] |= {
        "memory": {"request": "1Gi", "limit": "30Gi"},
        "cpu": {"request": 1, "limit": 1},
    }
    assert find(plan(settings_of(config)), "a").disk.name == "tiny-ollama-models"  # type: ignore[union-attr]
