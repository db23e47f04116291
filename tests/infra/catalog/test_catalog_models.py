"""The catalog of models: each file is read, has a source and a licence, and is what its engines can serve."""

import pytest

from infra.catalog import cards, model_catalog, parser_names
from infra.catalog.licences import LICENCES
from infra.catalog.model_catalog import MODEL_SPECS, ModelSpecs
from infra.sizing.weights import stored_weights

TASKS = {"chat", "embeddings", "rerank"}
TODAY = (
    "Qwen/Qwen3.5-9B",
    "nvidia/Qwen3.6-27B-NVFP4",
    "Inferact/Qwen3.8-27B-NVFP4",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct",
    "google/gemma-3-27b-it",
    "google/gemma-4-31B-it",
    "openai/gpt-oss-20b",
    "zai-org/GLM-4.7-Flash",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "mistralai/Devstral-Small-2-24B-Instruct-2512",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4",
    "ibm-granite/granite-4.0-h-small",
    "microsoft/phi-4",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
    "Qwen/Qwen3-Embedding-0.6B",
    "BAAI/bge-reranker-v2-m3",
    "Qwen/Qwen3-VL-8B-Instruct",
)


@pytest.mark.parametrize("name", model_catalog.names())
def test_a_model_has_figures_a_source_and_a_licence(name: str) -> None:
    model = model_catalog.find(name)
    assert model.source
    assert set(model.tasks) <= TASKS
    assert model.spec.licence in LICENCES
    assert model.spec.hidden
    assert model.spec.vocabulary
    assert model.spec.layers
    assert set(model_catalog.document(name)) <= {
        *("source", "licence", "gated", "tasks", "vision", "like", "parameters", "unquantised", "stored"),
        *("quantization_config", "config", "arguments", "seen"),
    }


@pytest.mark.parametrize("name", model_catalog.names())
def test_published_bytes_are_between_2_and_18_bits_a_weight(name: str) -> None:
    spec = MODEL_SPECS[name]
    if "bert" in str(model_catalog.document(name)["config"]["model_type"]) or spec.stored is None:
        return  # in float32, or without a size of its own
    assert 2 < stored_weights(spec, "bfloat16") * 8 / spec.parameters < 18


@pytest.mark.parametrize("name", model_catalog.names())
def test_a_sighting_is_on_a_card_whose_memory_is_listed(name: str) -> None:
    for sighting in model_catalog.find(name).seen:
        assert cards.usable(sighting.card)
        assert sighting.source


@pytest.mark.parametrize("name", TODAY)
def test_models_of_today_are_in_the_catalog(name: str) -> None:
    assert name in MODEL_SPECS


def test_a_model_of_the_stack_file_wins() -> None:
    own = MODEL_SPECS["Qwen/Qwen3-4B"]
    specs = ModelSpecs({"Qwen/Qwen3-8B": own})
    assert specs["Qwen/Qwen3-8B"] is own
    assert specs["Qwen/Qwen3-14B"] is MODEL_SPECS["Qwen/Qwen3-14B"]
    assert len(specs) == len(MODEL_SPECS) == len(list(MODEL_SPECS))
    assert "acme/none" not in specs
    with pytest.raises(KeyError, match="acme/none"):
        specs["acme/none"]


def test_a_name_cannot_leave_the_folder() -> None:
    assert "../models/Qwen--Qwen3-8B" not in MODEL_SPECS
    assert "/etc/passwd" not in MODEL_SPECS


def test_the_parsers_that_the_catalog_relies_on_are_those_of_the_release() -> None:
    assert {"qwen3_coder", "gemma4", "muse_glimmer"} <= parser_names.VLLM.tool_call
