"""What a file says of its model, beside what the ledger counted with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.plan.stack import plan
from infra.quantities import GI
from infra.settings.loader import load
from infra.sizing.model_specs import LLAMA_8B, QWEN3_8B
from ops.models.estimate import estimate
from ops.models.inventory import find
from tests.cli.test_commands import project, synapse
from tests.conftest import config_of, forge_config
from tests.infra.sizing.gguf_bytes import LLAMA, whole

CARDS = load("forge").cards


def test_the_ledgers_own_card_gives_the_ledgers_own_sum() -> None:
    vllm = find(plan(load("forge")), "llama3.1-8b", "vllm")
    found = estimate(vllm, LLAMA_8B, CARDS)
    assert found.ledger == found.found
    assert (found.found.total, found.memory, found.fits) == (vllm.service.claim.vram, "VRAM", True)


def test_a_model_of_more_layers_does_not_fit() -> None:
    vllm = find(plan(load("forge")), "llama3.1-8b", "vllm")
    found = estimate(vllm, replace(LLAMA_8B, layers=33), CARDS)
    assert found.ledger is not None
    assert found.found.kv_cache == found.ledger.kv_cache * 33 // 32
    assert not found.fits


def test_a_routers_claim_holds_the_context_that_it_is_told() -> None:
    """docs/decisions/llamacpp-budget.md: 16384 tokens at 144 KiB."""
    model = find(plan(load("forge-llamacpp")), "Qwen3-8B-Q4_K_M")
    found = estimate(model, replace(QWEN3_8B, stored=5 * GI), CARDS)
    assert (found.found.weights, found.found.kv_cache, found.claim) == (5 * GI, 16_384 * 144 * 1024, 10 * GI)
    assert found.ledger is None
    assert found.fits
    assert not estimate(model, replace(QWEN3_8B, stored=8 * GI), CARDS).fits


def test_ollama_counts_every_parallel_request() -> None:
    ollama = find(plan(load("forge")), "llama3.1:8b")
    found = estimate(ollama, replace(LLAMA_8B, stored=5 * GI), CARDS)
    assert (found.memory, found.claim) == ("RAM", 64 * GI)
    assert found.found.kv_cache == 8 * 8192 * 128 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "m.gguf").write_bytes(whole())
    return tmp_path / "m.gguf"


def test_a_file_at_hand_is_compared_without_a_cluster(tmp_path: Path, file: Path) -> None:
    folder = project(tmp_path, forge_config())
    done = synapse(folder, "models", "verify", "llama3.1:8b", "--file", str(file), "--stack", "mine", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["models"]
    assert (found["model"], found["fits"], found["file"]["weights"]) == ("llama3.1:8b", True, 200 * 144 + 2048 + 42_000)
    assert found["ledger"]["weights"] > 4 * GI
    table = synapse(folder, "models", "verify", "llama3.1:8b", "--file", str(file), "--stack", "mine")
    assert "fits" in table.stdout


def test_a_file_that_takes_more_than_its_claim_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(whole({**LLAMA, "llama.block_count": 4000, "llama.attention.key_length": 4096}))
    folder = project(tmp_path, forge_config())
    done = synapse(folder, "models", "verify", "llama3.1:8b", "--file", str(tmp_path / "m.gguf"), "--stack", "mine")
    assert done.returncode == 1
    assert "DOES NOT FIT" in done.stdout


def test_nothing_to_verify_is_said(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, config_of("local")), "models", "verify", "--stack", "mine", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"models": [], "faults": {}})
    assert "nothing to verify: the services of mine bring their models by themselves" in done.stderr


def test_bad_orders_are_one_message(tmp_path: Path, file: Path) -> None:
    folder = project(tmp_path, forge_config())
    for arguments, said in (
        (["verify", "--file", str(file)], "--file is of one model: name it; accepted: llama3.1:8b"),
        (["verify", "tts-1"], "tts-1: piper-tts brings it by itself; name a file of it with --file"),
        (["pull", "tts-1"], "tts-1: piper-tts brings or fetches it by itself"),
        (["pull", "gpt-9"], "gpt-9: no model of the stack; accepted: llama3.1:8b"),
        (["pull", "--sha256", "x"], "--sha256 is of one file, and 3 models are to be fetched"),
        (["load", "tts-1"], "tts-1: piper-tts has it in memory as long as it runs"),
        (["pull", "llama3.1:8b"], "the stack mine does not run here"),
    ):
        done = synapse(folder, "models", *arguments, "--stack", "mine")
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr


def test_models_are_listed_without_a_cluster(tmp_path: Path) -> None:
    done = synapse(project(tmp_path, forge_config()), "models", "list", "--stack", "mine", "--json")
    assert done.returncode == 0, done.stderr
    found = {entry["model"]: entry for entry in json.loads(done.stdout)}
    assert found["llama3.1:8b"]["place"] == "ollama-models:/models"
    assert found["meta-llama/Meta-Llama-3.1-8B-Instruct"]["weights"] == 2 * LLAMA_8B.parameters
    assert {entry["state"] for entry in found.values()} == {"?"}
