"""VRAM of a GPU: the flags of an engine count, even when the pod declares less."""

from typing import Any

import pytest

from infra.quantities import GI
from tests.conftest import planned
from tests.policies.run_pack import claimed, container, judge, resources_of, rules, workload

MODEL = "meta-llama/Meta-Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    "words",
    [
        {"args": [MODEL, "--max-model-len=131072"], "image": f"vllm/vllm-openai:v0.30.0@sha256:{64 * 'a'}"},
        {"command": ["vllm", "serve", MODEL, "--max-model-len", "128K"]},
        {"command": ["sh", "-c", f"exec vllm serve {MODEL} --max-model-len 131072"]},
        {"args": ["vllm", "--model", MODEL, "--max-num-seqs=20", "--max-model-len=128K", "-tp", "1"]},
    ],
)
def test_a_context_that_overflows_the_gpu_is_refused(words: dict[str, Any]) -> None:
    ((rule, message),) = judge([workload("Deployment", {"containers": [container(gpus=1) | words]})])
    assert rule == "vram-within-gpu"
    assert "Deployment/hand: its 3" in message
    assert "rtx-5090 31.36Gi" in message
    assert "shorten the context" in message


def test_declared_vram_counts_when_it_is_larger() -> None:
    spec = {"containers": [container(gpus=1)]}
    assert judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "31Gi"})]) == []
    assert rules(judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "33Gi"})])) == ["vram-within-gpu"]


def test_sequences_are_a_ceiling_and_no_reservation() -> None:
    """20 of them wait for the one context that the cache holds at least."""
    words = ["vllm", "serve", MODEL, "--max-num-seqs=20", "--max-model-len=8192", "--enforce-eager"]
    assert judge([workload("Deployment", {"containers": [container(gpus=1, args=words)]})]) == []


def test_a_declaration_below_the_flags_hides_no_overhead() -> None:
    """Weights and cache of 31.29 GiB would fit a card of 31.36, but not with what the engine needs beside them."""
    words = ["vllm", "serve", MODEL, "--max-model-len=131072", "--enforce-eager"]
    spec = {"containers": [container(gpus=1, args=words)]}
    assert rules(judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "30Gi"})])) == ["vram-within-gpu"]
    assert judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "31.3Gi"})]) == []


def test_a_declaration_cannot_hide_the_need_of_the_flags() -> None:
    spec = {
        "containers": [container(gpus=1, args=["vllm", "serve", MODEL, "--max-model-len=131072", "--max-num-seqs=2"])]
    }
    assert rules(judge([workload("Deployment", spec, annotations={"synapse.dev/vram": "1Gi"})])) == ["vram-within-gpu"]


def test_the_overhead_of_an_engine_is_part_of_the_declaration() -> None:
    changed_plan = planned("services.vllm.overhead", "1Gi")
    (line,) = [line for line in changed_plan.ledger.lines if line.name == "vllm-inference"]
    claim = claimed(resources_of(changed_plan))["vllm-inference"].claim
    assert claim.vram == line.claim.vram == 2 * 8_190_735_360 + (1 + 2 * 2048) * 16 * 147_456 * 102 // 100 + GI


def test_sleeping_weights_must_fit_the_memory_limit() -> None:
    words = ["vllm", "serve", MODEL, "--max-model-len=8192", "--enable-sleep-mode"]
    spec = {"containers": [container("8Gi", gpus=1, args=words)]}
    violations = judge([workload("Deployment", spec)])
    assert any(rule == "memory-within-budget" and "Deployment/hand" in message for rule, message in violations)
    awake = {"containers": [container("8Gi", gpus=1, args=words[:-1])]}
    assert "memory-within-budget" not in rules(judge([workload("Deployment", awake)]))
