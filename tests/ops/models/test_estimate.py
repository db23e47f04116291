"""Memory of a model by its file, compared with the ledger."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.loader import load
from ops.models.estimate import estimate
from ops.models.inventory import find
from tests.cli.test_commands import project, synapse
from tests.conftest import changed, config_of, forge_config
from tests.infra.sizing.gguf_bytes import LLAMA, whole

MODEL_SPECS = load("forge").model_specs
QWEN3_8B = MODEL_SPECS["Qwen/Qwen3-8B"]


def test_the_model_spec_of_the_ledger_gives_the_sum_of_the_ledger() -> None:
    vllm = find(plan(load("forge")), "qwen3-8b", "vllm")
    result = estimate(vllm, QWEN3_8B, MODEL_SPECS)
    assert result.ledger == result.file
    assert (result.file.total, result.memory, result.fits) == (vllm.service.claim.vram, "VRAM", True)


def test_a_model_of_more_layers_does_not_fit() -> None:
    vllm = find(plan(load("forge")), "qwen3-8b", "vllm")
    result = estimate(vllm, replace(QWEN3_8B, groups=(replace(QWEN3_8B.groups[0], layers=37),)), MODEL_SPECS)
    assert result.ledger is not None
    assert result.ledger.kv_cache == 4097 * 16 * 36 * 4096 * 102 // 100  # two contexts of 2048 blocks and vLLM's own
    assert result.file.kv_cache == 4097 * 16 * 37 * 4096 * 102 // 100
    assert not result.fits


def test_the_claim_of_a_router_covers_its_context() -> None:
    """docs/decisions/llamacpp-budget.md: 32768 tokens at 144 KiB."""
    model = find(plan(load("forge-llamacpp")), "Qwen3-8B-Q4_K_M")
    result = estimate(model, replace(QWEN3_8B, stored=5 * GI), MODEL_SPECS)
    assert (result.file.weights, result.file.kv_cache, result.claim) == (5 * GI, 32_768 * 144 * 1024, 13 * GI)
    assert result.ledger is None
    assert result.fits
    assert not estimate(model, replace(QWEN3_8B, stored=8 * GI), MODEL_SPECS).fits


def test_ollama_counts_every_parallel_request() -> None:
    ollama = find(plan(load("forge")), "qwen3:8b")
    result = estimate(ollama, replace(QWEN3_8B, stored=5 * GI), MODEL_SPECS)
    assert (result.memory, result.claim) == ("RAM", 64 * GI)
    assert result.file.kv_cache == 2 * 32_768 * 144 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "m.gguf").write_bytes(whole())
    return tmp_path / "m.gguf"


def test_a_local_file_is_compared_without_a_cluster(tmp_path: Path, file: Path) -> None:
    folder = project(tmp_path, forge_config())
    done = synapse(folder, "models", "verify", "qwen3:8b", "--file", str(file), "--stack", "mine", "--json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["models"]
    assert (entry["model"], entry["fits"], entry["file"]["weights"]) == ("qwen3:8b", True, 200 * 144 + 2048 + 42_000)
    assert entry["ledger"]["weights"] > 4 * GI
    table = synapse(folder, "models", "verify", "qwen3:8b", "--file", str(file), "--stack", "mine")
    assert "fits" in table.stdout


def test_a_file_that_needs_more_than_its_claim_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(whole({**LLAMA, "llama.block_count": 4000, "llama.attention.key_length": 4096}))
    folder = project(tmp_path, forge_config())
    done = synapse(folder, "models", "verify", "qwen3:8b", "--file", str(tmp_path / "m.gguf"), "--stack", "mine")
    assert done.returncode == 1
    assert "DOES NOT FIT" in done.stdout


def test_a_stack_without_models_to_verify_is_named(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, config_of("local")), "models", "verify", "--stack", "mine", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"models": [], "faults": {}})
    assert "nothing to verify: the services of mine provide their models" in done.stderr


def test_wrong_arguments_are_one_message(tmp_path: Path, file: Path) -> None:
    folder = project(tmp_path, changed("services.piper", {}))  # upstream's image, which brings its model
    for arguments, message in (
        (["verify", "--file", str(file)], "--file: name the model of the file; accepted: qwen3:8b"),
        (["verify", "tts-1"], "tts-1: piper-tts provides it; pass a file of it with --file"),
        (["pull", "tts-1"], "tts-1: piper-tts provides it; there is nothing to download"),
        (["pull", "gpt-9"], "gpt-9: not a model of the stack; accepted: qwen3:8b"),
        (["pull", "--sha256", "x"], "--sha256: got qwen3:8b, mxbai-embed-large, Qwen"),
        (["load", "tts-1"], "tts-1: piper-tts keeps it in memory as long as it runs"),
        (["pull", "qwen3:8b"], "the stack mine does not run here"),
    ):
        done = synapse(folder, "models", *arguments, "--stack", "mine")
        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr


def test_models_are_listed_without_a_cluster(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "models", "list", "--stack", "mine", "--json")
    assert done.returncode == 0, done.stderr
    entries = {entry["model"]: entry for entry in json.loads(done.stdout)}
    assert entries["qwen3:8b"]["place"] == "ollama-models:/models"
    assert entries["Qwen/Qwen3-8B"]["weights"] == 2 * QWEN3_8B.parameters
    assert {entry["state"] for entry in entries.values()} == {"?"}
