"""The places of models follow from the plan."""

import pytest

from infra.catalog import packaged_models
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.models.inventory import ModelError, additional_model, find, models, weights
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
        ("whisper-base", "service", "speaches-models", "/models/whisper/base/model.bin"),
        ("Kokoro-82M", "service", "kokoro-models", "/models/kokoro/kokoro-v1.0.int8.onnx"),
        ("en_US-joe-medium", "service", "piper-models", "/models/piper/en_US-joe-medium.onnx"),
    ]


def test_files_have_the_places_of_the_first_start(llamacpp: Plan) -> None:
    (model,) = [model for model in models(llamacpp) if model.name == "Qwen3-8B-Q4_K_M"]
    assert (model.kind, model.path, model.service.name) == ("file", "/models/llm/Qwen3-8B-Q4_K_M.gguf", "llama-router")
    assert model.url in {download.url for download in model.service.backend.downloads}


def test_a_service_that_fetches_its_own_model_keeps_it_on_its_claim() -> None:
    own = plan(settings_of(changed("services.speaches", {})))
    places = {model.name: (model.kind, model.disk.name) for model in models(own) if model.disk}
    assert places["base"] == ("service", "speaches-model-cache")


@pytest.mark.parametrize("stack", ["forge", "forge-llamacpp", "local"])
def test_small_models_come_with_their_services(stack: str) -> None:
    """Neither `pull` nor `verify` takes them: they may be many files, of formats without a model spec."""
    small = [model for model in models(plan(load(stack))) if model.service.options.engine == "cpu"]
    assert small
    assert {model.kind for model in small} == {"service"}
    assert all(model.disk and model.sha256 for model in small)


def test_a_model_of_a_gpu_engine_is_one_of_many_files_with_the_size_of_all() -> None:
    config = changed("services.whisper", {"engine": "cuda"})
    del config["synapse:services"]["vllm"]
    config["synapse:routes"] = {}
    (model,) = [each for each in models(plan(settings_of(config))) if each.service.name == "whisper"]
    assert (model.name, model.kind, model.size) == ("large-v3-turbo", "service", 1_620_000_000)


def test_a_model_of_many_files_is_listed_once_with_all_its_bytes(forge: Plan) -> None:
    (kokoro,) = [model for model in models(forge) if model.service.name == "kokoro"]
    (catalog,) = [model for model in packaged_models.models() if model.name == "Kokoro-82M"]
    assert (kokoro.name, kokoro.path) == ("Kokoro-82M", "/models/kokoro/kokoro-v1.0.int8.onnx")
    assert (weights(forge, kokoro), len(catalog.files)) == (catalog.size, 43)
    assert kokoro.size
    assert kokoro.size > catalog.files[0].size


def test_models_of_one_service_are_listed_each() -> None:
    local = plan(load("local"))
    names = [(model.service.name, model.name) for model in models(local)]
    assert [name for service, name in names if service == "chatterbox"] == ["Kokoro-82M", "GE2E"]
    assert [name for service, name in names if service == "llama-router"] == ["chat", "coder"]
    assert len(set(names)) == len(names)


def test_a_model_has_its_own_name_and_that_of_its_route(forge: Plan) -> None:
    assert find(forge, "qwen3:8b").service.name == "ollama"
    assert find(forge, "piper-tts").name == "en_US-joe-medium"
    assert find(forge, "whisper-base").service.name == "speaches"
    with pytest.raises(ModelError, match=r"qwen3-8b: several services have it \(ollama, vllm\); choose one"):
        find(forge, "qwen3-8b")
    assert find(forge, "qwen3-8b", "vllm-inference").kind == "snapshot"
    with pytest.raises(ModelError, match=r"kokoro: several services have it \(kokoro, piper\); choose one"):
        find(forge, "kokoro")
    assert find(forge, "kokoro", "kokoro-tts").name == "Kokoro-82M"


def test_the_route_of_a_service_with_several_models_names_none() -> None:
    with pytest.raises(ModelError, match=r"chatterbox: not a model of the stack; accepted: .*Kokoro-82M, GE2E"):
        find(plan(load("local")), "chatterbox")


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
