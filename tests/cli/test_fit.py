"""`synapse fit` and `synapse models catalog`: the memory of a model on a card, without a stack."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli import application
from infra.catalog import model_catalog
from infra.errors import SynapseError
from infra.settings.model import ROOT
from tests.cli.test_commands import project
from tests.conftest import changed, forge_config
from tests.infra.sizing.gguf_bytes import LLAMA, TENSORS, whole
from tests.ops.models.test_model_source import two_files


def synapse(*arguments: str) -> Result:
    return CliRunner().invoke(application([arguments[0]]), list(arguments))


def message(*arguments: str) -> str:
    result = synapse(*arguments)
    assert isinstance(result.exception, SynapseError), result.output
    return str(result.exception)


def test_a_model_that_fits_shows_its_parts_and_what_else_would_fit() -> None:
    result = synapse("fit", "Qwen3.6-27B-NVFP4", "--card", "rtx-5090", "--context", "32768")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "nvidia/Qwen3.6-27B-NVFP4 on rtx-5090: fits"
    parts = [line.split("  ")[0] for line in lines]
    assert {"weights", "KV cache", "activations", "sum", "usable", "left"} <= set(parts)
    assert "Longest context of 2 sequences: " in result.stdout
    assert "full contexts of 32,768 tokens at once" in result.stdout


def test_a_model_that_does_not_fit_has_exit_code_1() -> None:
    result = synapse("fit", "Qwen/Qwen3-32B", "--card", "rtx-5090")
    assert result.exit_code == 1
    assert "does not fit" in result.stdout
    assert "Longest context of 2 sequences: none fits" in result.stdout


def document(*arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(synapse("fit", *arguments, "--json").stdout)
    return result


def test_the_longest_context_fits_and_the_next_one_does_not() -> None:
    model = ("Qwen/Qwen3-8B", "--card", "rtx-3090")
    longest = document(*model)["longestContext"]
    assert document(*model, "--context", str(longest))["verdict"] in {"fits", "tight"}
    assert document(*model, "--context", str(longest + 256))["verdict"] == "does not fit"


def test_less_than_the_error_of_the_figures_is_tight() -> None:
    model = ("Qwen/Qwen3-8B", "--card", "rtx-3090")
    tight = document(*model, "--context", str(document(*model)["longestContext"]))
    assert (tight["verdict"], 0 <= tight["left"] < tight["error"]) == ("tight", True)


def test_options_of_the_engine_change_the_memory() -> None:
    model = ("Qwen/Qwen3-8B", "--card", "rtx-5090")
    total = document(*model)["total"]
    assert document(*model, "--kv-dtype", "fp8")["total"] < total
    assert document(*model, "--graphs")["total"] > total
    assert document(*model, "--sequences", "4")["total"] > total
    assert document(*model, "--gpus", "2")["total"] < total


def test_an_encoder_has_no_shared_cache() -> None:
    assert document("BAAI/bge-m3", "--card", "rtx-3060")["sharedTokens"] == 0


def test_two_small_files_are_enough(tmp_path: Path) -> None:
    assert document("acme/Chat-7B", "--card", "rtx-3060", "--from", str(two_files(tmp_path)))["verdict"] == "fits"


def test_the_card_is_that_of_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path, forge_config()))
    assert synapse("fit", "Qwen3-8B", "--stack", "mine").stdout.startswith("Qwen/Qwen3-8B on rtx-5090: fits")


def test_a_model_of_the_stack_file_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"parameters": 10**9, "layers": 8, "kvHeads": 2, "headSize": 64, "contextTokens": 4096}
    monkeypatch.chdir(project(tmp_path, changed("models", {"acme/mine": figures})))
    assert "acme/mine on rtx-5090: fits" in synapse("fit", "mine", "--stack", "mine").stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Qwen3-8B", "--card", "gtx"], "--card: got 'gtx'; accepted: rtx-3060"),
        (["Qwn3-8B", "--card", "rtx-5090"], "did you mean Qwen/Qwen3-8B"),
        (["Qwen3-8B", "--card", "rtx-5090", "--context", "99999"], "contextTokens: got 99999; accepted: at most 40960"),
        (["Qwen3-8B", "--card", "rtx-5090", "--kv-dtype", "fp7"], "kvDtype: got 'fp7'; accepted: auto"),
        (["Qwen3-8B", "--stack", "local"], "the stack local has no GPU; accepted: --card"),
        (["Qwen3-8B", "--stack", "forge", "--gpus", "2"], "the stack forge has 1 GPUs of the 2 in --gpus"),
    ],
)
def test_a_wrong_option_is_named(monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: str) -> None:
    monkeypatch.chdir(ROOT)
    assert expected in message("fit", *arguments)


def test_a_gguf_is_for_another_engine(tmp_path: Path) -> None:
    (tmp_path / "chat.gguf").write_bytes(whole(LLAMA, TENSORS))
    assert "a GGUF file, for Ollama or llama.cpp" in message(
        "fit", "acme/chat", "--card", "rtx-5090", "--from", str(tmp_path / "chat.gguf")
    )


def test_the_catalog_is_a_table_of_all_models() -> None:
    rows = synapse("models", "catalog", "--card", "rtx-5090").stdout.splitlines()
    assert len(rows) == 1 + len(model_catalog.names())
    (row,) = [row.split() for row in rows if row.startswith("meta-llama/Llama-3.1-70B-Instruct ")]
    assert row[1:6] == ["chat", "131.42Gi", "131,072", "llama3.1", "needed"]
    assert row[6:] == ["does", "not", "fit"]


def test_the_catalog_as_json_has_bytes() -> None:
    entries = json.loads(synapse("models", "catalog", "--card", "NVIDIA GeForce RTX 5090", "--json").stdout)
    (entry,) = [entry for entry in entries if entry["model"] == "Qwen/Qwen3-8B"]
    assert (entry["weights"], entry["context"], entry["fits"]) == (16_381_470_720, 40_960, 40_960)
    assert "fits" not in json.loads(synapse("models", "catalog", "--json").stdout)[0]


def test_every_file_of_the_catalog_is_listed() -> None:
    files = {yaml.safe_load(path.read_text())["licence"] for path in model_catalog.FOLDER.glob("*.yaml")}
    entries = json.loads(synapse("models", "catalog", "--json").stdout)
    assert {entry["licence"] for entry in entries} == files
