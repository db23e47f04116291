"""The models that are built in: every file is complete, and a model of its own wins over them."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from infra.catalog.model_catalog import FOLDER, MODEL_SPECS, ModelSpecs, document, find, names
from infra.settings.engine_services import VllmService
from infra.sizing.specs.layers import LayerGroup
from infra.sizing.specs.model_spec import ModelSpec

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
    "arguments",
    "seen",
    "like",
}
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
        service = VllmService.model_validate({"model": name, "task": task, "contextTokens": 256})
        assert list(service.errors(MODEL_SPECS, ())) == []
    assert all(argument for argument in model.arguments)


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
