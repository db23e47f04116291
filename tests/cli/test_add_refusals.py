"""`synapse add` that writes nothing: models that do not fit, wrong options, and a person who says no."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.in_process import add, config, message, synapse
from tests.ops.models.hub_server import hub_serving
from tests.ops.models.two_files import small_files

AWQ, BUILT_IN = "Qwen/Qwen3-30B-A3B-AWQ", "nvidia/Qwen3.6-27B-NVFP4"


def test_a_model_that_does_not_fit_says_what_would(forge: Path) -> None:
    before = forge.read_bytes()
    result = add("Qwen/Qwen3-32B")
    assert result.exit_code == 1
    assert "Qwen/Qwen3-32B does not fit; Pulumi.forge.yaml is as it was" in result.stderr
    assert "alone on rtx-5090: no context fits: its weights alone take 61.02Gi of 31.36Gi" in result.stderr
    assert "models of the catalog that fit: Qwen/Qwen3-32B-AWQ" in result.stderr
    assert forge.read_bytes() == before


def test_a_context_that_does_not_fit_names_the_longest_one(forge: Path) -> None:
    result = add("Qwen/Qwen3-14B", "--context", "32768", "--sequences", "4")
    assert result.exit_code == 1
    assert "alone on rtx-5090: at most 4 sequences of" in result.stderr


def test_services_that_hold_the_gpu_are_named(forge: Path) -> None:
    result = add("Qwen3-8B-AWQ", "--service", "second")
    assert result.exit_code == 1
    assert "vllm-inference holds 26.91Gi of the GPU: it must leave or shrink" in result.stderr
    assert "beside it: nothing is free" in result.stderr


def test_a_new_service_beside_another_one_gets_what_is_left(forge: Path) -> None:
    result = synapse("add", "Qwen3-8B-AWQ", "--stack", "forge-llamacpp", "--yes")
    assert result.exit_code == 0, result.output
    services = config(forge.with_name("Pulumi.forge-llamacpp.yaml"))["synapse:services"]
    assert services["vllm"] == {"model": "Qwen/Qwen3-8B-AWQ", "kvDtype": "fp8"}


def test_a_new_service_may_be_an_sglang(forge: Path) -> None:
    synapse("add", "Qwen3-4B", "--stack", "forge-llamacpp", "--yes", "--service", "sglang-small", "--context", "4096")
    services = config(forge.with_name("Pulumi.forge-llamacpp.yaml"))["synapse:services"]
    small = services["sglang-small"]
    assert isinstance(small, dict)
    assert (small["kind"], small["model"]) == ("sglang", "Qwen/Qwen3-4B")


def test_a_stack_without_a_gpu_is_refused(forge: Path) -> None:
    result = synapse("add", "Qwen3-8B", "--stack", "local", "--yes")
    assert result.exit_code == 1
    assert "the node has no GPU; accepted: one under synapse:node.gpus" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["google/gemma-3-4b-it"], "which the hub gives only to an account that accepted its licence"),
        (["google/gemma-3-4b-it"], "synapse secret set hfToken"),
        (["Qwn3-8B"], "did you mean Qwen/Qwen3-8B"),
        (["acme/unknown"], "cannot be reached"),
        (["acme/unknown"], "--from DIR (these two small files suffice)"),
        (
            ["Qwen3-8B", "--service", "ollama"],
            "--service: got ollama, of kind ollama; accepted: a service of kind vllm",
        ),
        (["Qwen3-8B", "--service", "Not A Name"], "--service: got 'Not A Name'; accepted: lower-case letters"),
        (["Qwen3-8B", "--context", "99999"], "--context: got 99999; accepted: at most 40960"),
        (["Qwen3-8B", "--card", "gtx"], "--card: got 'gtx'; accepted: rtx-3060"),
        (["bge-m3", "--service", "sglang"], "its task is embeddings; accepted: a service of kind vllm"),
    ],
)
def test_a_refusal_comes_before_anything_is_written(forge: Path, arguments: list[str], expected: str) -> None:
    before = forge.read_bytes()
    assert expected in message(add(*arguments))
    assert forge.read_bytes() == before


def test_a_folder_without_the_files_is_refused(forge: Path) -> None:
    (forge.parent / "empty").mkdir()
    assert "config.json" in message(add(AWQ, "--from", "empty"))


def test_a_dry_run_writes_nothing(forge: Path) -> None:
    before = forge.read_bytes()
    result = synapse("add", BUILT_IN, "--stack", "forge", "--dry-run")
    assert result.exit_code == 0
    assert f"+      model: {BUILT_IN}" in result.stdout
    assert forge.read_bytes() == before


def test_without_a_terminal_nobody_is_asked(forge: Path) -> None:
    before = forge.read_bytes()
    assert "accepted: --yes" in message(synapse("add", BUILT_IN, "--stack", "forge"))
    assert forge.read_bytes() == before


@pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("n", False)])
def test_a_person_is_asked(forge: Path, answer: str, is_written: bool) -> None:  # noqa: FBT001 - of a test
    terminal, end = pty.openpty()
    os.write(terminal, f"{answer}\n".encode())
    command: list[str | Path] = [Path(sys.executable).with_name("synapse"), "add", BUILT_IN, "--stack", "forge"]
    done = subprocess.run(command, stdin=end, capture_output=True, text=True, check=False, cwd=forge.parent)
    os.close(terminal)
    os.close(end)
    assert "Write this into Pulumi.forge.yaml?" in done.stdout
    assert (BUILT_IN in forge.read_text(), done.returncode == 0) == (is_written, is_written)


def test_a_stack_that_does_not_exist_is_named(forge: Path) -> None:
    assert "no such stack file" in message(synapse("add", "Qwen3-8B", "--stack", "nobody"))


def test_a_config_that_is_no_model_is_named(forge: Path) -> None:
    folder = small_files(forge.parent / "model", AWQ)
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard_of"}))
    assert "config.json" in message(add(AWQ, "--from", str(folder)))


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"gated": "auto"}, "synapse secret set hfToken"),
        (
            {"cardData": {"license": "cc-by-nc-4.0"}},
            "forbids commercial use; accepted: another model",
        ),
    ],
)
def test_a_model_of_the_hub_that_is_gated_or_not_for_commerce_is_refused(
    forge: Path, monkeypatch: pytest.MonkeyPatch, details: dict[str, object], expected: str
) -> None:
    before = forge.read_bytes()
    with hub_serving() as hub:
        for file in sorted(small_files(forge.parent / "model", AWQ).iterdir()):
            hub.publish(file.name, file.read_bytes(), AWQ)
        hub.hub.files[f"/api/models/{AWQ}"] = json.dumps(details).encode()
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert expected in message(add(AWQ))
    assert forge.read_bytes() == before
