"""A model by its name: which place its figures come from, and close names of a wrong one."""

import json
from pathlib import Path

import pytest

from infra.catalog.model_catalog import MODEL_SPECS
from infra.errors import ModelFileError
from ops.models.model_source import CATALOG, STACK, full_name, of_argument, resolve
from tests.infra.sizing.specs.small_config import CONFIG
from tests.ops.models.hub_server import INDEX, REPOSITORY, hub_serving


def two_files(folder: Path) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors.index.json").write_text(json.dumps(INDEX))
    return folder


@pytest.mark.parametrize("name", ["nvidia/Qwen3.6-27B-NVFP4", "Qwen3.6-27B-NVFP4", "qwen3.6-27b-nvfp4"])
def test_a_name_without_its_owner_is_that_of_the_catalog(name: str) -> None:
    model = resolve(name)
    assert (model.name, model.source, model.has_spec) == ("nvidia/Qwen3.6-27B-NVFP4", CATALOG, True)
    assert model.stored == 21_921_427_300


def test_the_stack_file_comes_before_the_catalog() -> None:
    own = {"Qwen/Qwen3-8B": MODEL_SPECS["Qwen/Qwen3-4B"]}
    model = resolve("qwen3-8b", own=own)
    assert (model.source, model.spec) == (STACK, own["Qwen/Qwen3-8B"])


def test_files_come_before_all_and_the_catalog_adds_the_licence(tmp_path: Path) -> None:
    model = resolve("meta-llama/Llama-3.1-8B-Instruct", two_files(tmp_path))
    assert (model.spec.layers, model.spec.gated, model.spec.licence) == (4, True, "llama3.1")
    assert not model.has_spec


@pytest.mark.parametrize("name", ["", "config.json"])
def test_a_path_is_read_from_this_machine(tmp_path: Path, name: str) -> None:
    model = of_argument(str(two_files(tmp_path) / name))
    assert (model.stored, model.entry) == (1_000_000, None)


def test_another_name_is_read_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving() as hub:
        hub.publish("config.json", CONFIG)
        hub.publish("model.safetensors.index.json", INDEX)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert (resolve(REPOSITORY).source, resolve(REPOSITORY).stored) == ("hub", 1_000_000)
        with pytest.raises(ModelFileError, match=r"404.*did you mean .*Qwen/Qwen3-8B"):
            resolve("Qwen/Qwen3-8")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Qwn3-8B", r"not a model of the catalog \(did you mean Qwen/Qwen3-8B"),
        ("zzzzzz", "zzzzzz: not a model of the catalog; accepted: OWNER/NAME of the hub"),
        ("", "accepted: OWNER/NAME"),
        ("a/b/c", "accepted: OWNER/NAME"),
    ],
)
def test_a_wrong_name_is_named_with_close_ones(name: str, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        resolve(name)


@pytest.mark.parametrize("path", ["./nothing", "/nowhere/config.json", "no.gguf"])
def test_a_path_that_does_not_exist_is_no_name(path: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be read: No such file or directory"):
        of_argument(path)


def test_a_name_of_several_models_names_them() -> None:
    own = {"a/Chat": MODEL_SPECS["Qwen/Qwen3-4B"], "b/Chat": MODEL_SPECS["Qwen/Qwen3-4B"]}
    with pytest.raises(ModelFileError, match="several models have this name; accepted: a/Chat, b/Chat"):
        full_name("chat", own)
