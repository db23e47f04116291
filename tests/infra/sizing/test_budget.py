"""Budget checks of a node; each message contains the figure, the budget and the remedy."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.quantities import GI
from infra.sizing.budget import (
    Capacity,
    Gpu,
    LedgerLine,
    MemoryShare,
    ResourceClaim,
    cpu_violations,
    memory_violations,
    shared_memory_violations,
    sleeping_weights_violations,
    working_set_violations,
)
from infra.sizing.gpu_budget import gpu_violations, vram_violations, vram_warnings
from infra.sizing.ledger import violations

GPU = Gpu(name="rtx-5090", memory=32 * GI)
NODE = Capacity(memory=196 * GI, cpu=64_000, gpus=(GPU,))


def line(
    name: str, memory: int = 1, cpu: int = 1, gpus: int = 0, vram: int = 0, replicas: int = 1, shared: int = 0
) -> LedgerLine:
    """Memory, VRAM and shared memory in GiB, CPU in cores."""
    claim = ResourceClaim(
        memory_request=GI,
        memory_limit=memory * GI,
        cpu_request=100,
        cpu_limit=cpu * 1000,
        gpus=gpus,
        vram=vram * GI,
        shared_memory=shared * GI,
    )
    return LedgerLine(name=name, claim=claim, replicas=replicas)


def test_limits_up_to_the_budget_fit() -> None:
    assert violations([line("a", memory=156, cpu=51)], NODE) == []


def test_the_workload_that_exceeds_the_budget_is_named() -> None:
    (violation,) = memory_violations([line("ollama", 64), line("vllm", 120), line("gateway", 4, replicas=2)], NODE)
    assert violation.name == "vllm"
    for part in ("120Gi", "192Gi", "35.2Gi over", "budget of 156.8Gi", "gateway 2 x 4Gi", "by 35.2Gi"):
        assert part in violation.message


def test_a_small_workload_is_not_blamed_for_what_a_large_one_takes() -> None:
    (violation,) = memory_violations([line("ollama", 64), line("vllm", 96), line("exporter", 1)], NODE)
    assert violation.name == "vllm"
    lines = [line("ollama", 80), line("vllm", 76), line("gateway", 1), line("exporter", 1)]
    (violation,) = memory_violations(lines, NODE)
    assert violation.name == "ollama"  # 1.2Gi over: without the gateway it would not fit either


def test_every_replica_counts() -> None:
    assert memory_violations([line("a", 79, replicas=2)], NODE)
    assert not memory_violations([line("a", 78, replicas=2)], NODE)


def test_cpu_limits_have_a_budget_too() -> None:
    (violation,) = cpu_violations([line("a", cpu=30), line("b", cpu=22)], NODE)
    assert violation.name == "b"
    assert "52, 0.8 over the node's budget of 51.2" in violation.message


def test_a_gpu_is_claimed_once() -> None:
    (violation,) = gpu_violations([line("vllm", gpus=1), line("whisper", gpus=1)], NODE)
    assert violation.name == "whisper"
    assert "claims 1 nvidia.com/gpu of the 1 that the node has; 1 already claimed by vllm" in violation.message


def test_two_replicas_cannot_claim_one_gpu() -> None:
    assert gpu_violations([line("vllm", gpus=1, replicas=2)], NODE)


def test_shares_are_counted_and_their_memory_is_not_divided() -> None:
    sliced = Capacity(memory=196 * GI, cpu=64_000, gpus=(Gpu(name="g", memory=32 * GI, shares=2),))
    assert violations([line("a", gpus=1, vram=20), line("b", gpus=1, vram=12)], sliced) == []
    (violation,) = violations([line("a", gpus=1, vram=20), line("b", gpus=1, vram=13)], sliced)
    assert violation.name == "b"
    assert "13Gi of VRAM fits on no GPU (g 32Gi) beside a 20Gi" in violation.message


def test_an_engine_larger_than_the_gpu_is_refused() -> None:
    (violation,) = vram_violations([line("vllm", gpus=1, vram=33)], NODE)
    assert "shorten the context" in violation.message


def test_a_refusal_says_what_would_fit_beside_the_others_and_the_parts() -> None:
    parts = (MemoryShare(name="weights", size=20 * GI), MemoryShare(name="KV cache", size=13 * GI))
    engine = replace(line("vllm", gpus=1, vram=33), fit=lambda free: f"{free // GI} would fit")
    claimed = replace(engine, claim=replace(engine.claim, vram_parts=parts))
    (violation,) = vram_violations([claimed], NODE)
    assert "its 33Gi of VRAM (weights 20Gi + KV cache 13Gi) fits on no GPU (rtx-5090 32Gi); 32 would fit; " in str(
        violation
    )
    reserved = Capacity(memory=196 * GI, cpu=64_000, gpus=(replace(GPU, reserve=2 * GI),))
    (violation,) = vram_violations([claimed], reserved)
    assert "(rtx-5090 30Gi); 30 would fit; " in violation.message


@pytest.mark.parametrize(("vram", "warned"), [(30, False), (31, False), (32, True)])
def test_a_plan_is_tight_where_less_is_left_than_its_figures_may_be_wrong_by(vram: int, *, warned: bool) -> None:
    engine = line("vllm", gpus=1, vram=vram)
    measured = replace(engine, claim=replace(engine.claim, vram_error=GI))
    assert vram_violations([measured], NODE) == vram_warnings([engine], NODE) == []
    assert [violation.name for violation in vram_warnings([measured], NODE)] == ["vllm"] * warned


def test_an_engine_that_does_not_fit_is_refused_and_not_tight() -> None:
    engine = line("vllm", gpus=1, vram=33)
    assert vram_warnings([replace(engine, claim=replace(engine.claim, vram_error=GI))], NODE) == []


def test_an_engine_on_two_gpus_uses_both() -> None:
    two = Capacity(memory=196 * GI, cpu=64_000, gpus=(GPU, GPU))
    assert violations([line("wide", gpus=2, vram=30)], two) == []
    assert vram_violations([line("wide", gpus=2, vram=30), line("narrow", gpus=1, vram=3)], two)


def test_a_volume_in_memory_larger_than_the_pod_is_refused() -> None:
    (violation,) = shared_memory_violations([line("vllm", memory=4, shared=8)], NODE)
    assert "8Gi count towards the pod's memory limit of 4Gi" in violation.message


def limited(memory: int, **fields: Any) -> LedgerLine:
    """A workload of *memory* GiB with other *fields* of its claim."""
    return LedgerLine(name="vllm", claim=replace(line("vllm", memory).claim, **fields))


def test_sleeping_weights_must_fit_the_limit_beside_the_memory_volumes() -> None:
    (violation,) = sleeping_weights_violations([limited(18, sleeping_weights=15 * GI, shared_memory=4 * GI)], NODE)
    for part in ("keeps 15Gi of weights", "4Gi of memory-backed volumes", "19Gi", "limit is 18Gi", "raise it by 1Gi"):
        assert part in violation.message
    assert sleeping_weights_violations([limited(19, sleeping_weights=15 * GI, shared_memory=4 * GI)], NODE) == []


def test_an_engine_that_does_not_sleep_has_no_sleeping_weights() -> None:
    assert sleeping_weights_violations([limited(2, shared_memory=4 * GI)], NODE) == []


def test_the_working_set_must_fit_the_limit() -> None:
    shares = (MemoryShare(name="m weights", size=5 * GI), MemoryShare(name="m KV cache", size=8 * GI))
    (violation,) = working_set_violations([limited(12, working_set=shares)], NODE)
    assert "needs 13Gi of RAM (m weights 5Gi + m KV cache 8Gi), 1Gi over its memory limit of 12Gi" in violation.message
    assert working_set_violations([limited(13, working_set=shares)], NODE) == []


def test_working_set_and_sleeping_weights_are_part_of_the_ledger() -> None:
    workload = limited(4, sleeping_weights=5 * GI, working_set=(MemoryShare(name="m", size=6 * GI),))
    assert len(violations([workload], NODE)) == 2


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 3)), max_size=6))
def test_memory_is_refused_exactly_when_the_sum_is_over(workloads: list[tuple[int, int]]) -> None:
    lines = [line(f"w{number}", memory, replicas=replicas) for number, (memory, replicas) in enumerate(workloads)]
    over = sum(memory * replicas for memory, replicas in workloads) * GI > NODE.memory_budget
    assert bool(memory_violations(lines, NODE)) is over


@given(st.permutations([("a", 20), ("b", 12), ("c", 16), ("d", 16)]))
def test_the_order_of_claims_does_not_decide_whether_they_fit(order: list[tuple[str, int]]) -> None:
    two = Capacity(memory=196 * GI, cpu=64_000, gpus=(Gpu(name="g", memory=32 * GI, shares=2),) * 2)
    assert vram_violations([line(name, gpus=1, vram=vram) for name, vram in order], two) == []
