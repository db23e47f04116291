"""The models that are built in: every file is complete, and a model of its own wins over them."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from infra.catalog import cards
from infra.catalog.licences import LICENCES
from infra.catalog.model_catalog import FOLDER, MODEL_SPECS, ModelSpecs, document, find, names
from infra.settings.engine_services import VllmService
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec
from infra.sizing.weights import stored_weights

KEYS = {
    "source",
    "licence",
    "gated",
    "tasks",
    "vision",
    "parameters",
    "stored",
    "config",
    "quantization_config",
    "unquantised",
    "options",
    "arguments",
    "seen",
    "like",
}
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
OWN = ModelSpec(parameters=1, groups=(LayerGroup(kind="none", layers=1),), context_tokens=1)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_file_has_only_keys_that_are_read(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content.keys() <= KEYS
    assert {"source", "licence"} <= content.keys()
    assert len(content["source"]) > 10


def test_every_file_is_a_model() -> None:
    assert len(names()) == len(set(names())) == len(list(FOLDER.glob("*.yaml"))) >= 80
    assert list(MODEL_SPECS) == list(names())
    assert Counter(task for name in names() for task in find(name).tasks).keys() == {"chat", "embeddings", "rerank"}


def test_a_model_takes_the_figures_of_the_one_that_it_is_like() -> None:
    plain, quantised = (MODEL_SPECS[name] for name in ("Qwen/Qwen3.8-27B", "Inferact/Qwen3.8-27B-NVFP4"))
    assert plain.groups == quantised.groups
    assert (plain.stored, plain.parameters) == (None, quantised.parameters)
    assert quantised.stored is not None
    assert document("Inferact/Qwen3.8-27B-NVFP4")["stored"] == quantised.stored


@pytest.mark.parametrize("name", names())
def test_every_task_and_argument_is_one_of_vllm(name: str) -> None:
    model = find(name)
    for task in model.tasks:
        needed = {**model.options, "arguments": model.arguments}
        service = VllmService.model_validate({**needed, "model": name, "task": task, "contextTokens": 256})
        assert list(service.errors(MODEL_SPECS, ())) == []


@pytest.mark.parametrize("name", ["acme/none", "", "../models", "Qwen"])
def test_a_model_that_is_not_there_is_an_error(name: str) -> None:
    assert name not in MODEL_SPECS
    with pytest.raises(KeyError):
        MODEL_SPECS[name]


def test_a_model_of_the_stack_file_wins() -> None:
    specs = ModelSpecs({"Qwen/Qwen3-8B": OWN, "acme/chat": OWN})
    assert specs["Qwen/Qwen3-8B"] is specs["acme/chat"] is OWN
    assert specs["Qwen/Qwen3-4B"] is MODEL_SPECS["Qwen/Qwen3-4B"]
    assert "acme/chat" in specs
    assert len(specs) == len(list(specs)) == len(names()) + 1


@pytest.mark.parametrize("name", names())
def test_a_model_has_figures_a_source_and_a_licence(name: str) -> None:
    model = find(name)
    assert model.source
    assert model.spec.licence in LICENCES
    assert model.spec.hidden
    assert model.spec.vocabulary
    assert model.spec.layers


@pytest.mark.parametrize("name", names())
def test_published_bytes_are_between_2_and_18_bits_a_weight(name: str) -> None:
    spec = MODEL_SPECS[name]
    if "bert" in str(document(name)["config"]["model_type"]) or spec.stored is None:
        return  # in float32, or without a size of its own
    assert 2 < stored_weights(spec, "bfloat16") * 8 / spec.parameters < 18


@pytest.mark.parametrize("name", names())
def test_a_sighting_is_on_a_card_whose_memory_is_listed(name: str) -> None:
    for sighting in find(name).seen:
        assert cards.usable(sighting.card)
        assert sighting.source


@pytest.mark.parametrize("name", TODAY)
def test_models_of_today_are_in_the_catalog(name: str) -> None:
    assert name in MODEL_SPECS


def test_a_name_cannot_leave_the_folder() -> None:
    assert "../models/Qwen--Qwen3-8B" not in MODEL_SPECS
    assert "/etc/passwd" not in MODEL_SPECS
