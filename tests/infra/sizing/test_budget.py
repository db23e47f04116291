"""What fits a node and what does not; each message has the figure, the budget and the remedy."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.quantities import GI
from infra.sizing.budget import (
    Capacity,
    Claim,
    Gpu,
    Line,
    Part,
    cpu_findings,
    findings,
    gpu_findings,
    memory_findings,
    parked_findings,
    resident_findings,
    shared_memory_findings,
    vram_findings,
)

CARD = Gpu(name="rtx-5090", memory=32 * GI)
NODE = Capacity(memory=196 * GI, cpu=64_000, gpus=(CARD,))


def line(
    name: str, memory: int = 1, cpu: int = 1, gpus: int = 0, vram: int = 0, replicas: int = 1, shared: int = 0
) -> Line:
    """Memory, VRAM and shared memory in GiB, CPU in cores."""
    claim = Claim(
        memory_request=GI,
        memory_limit=memory * GI,
        cpu_request=100,
        cpu_limit=cpu * 1000,
        gpus=gpus,
        vram=vram * GI,
        shared_memory=shared * GI,
    )
    return Line(name=name, claim=claim, replicas=replicas)


def test_limits_up_to_the_budget_fit() -> None:
    assert findings([line("a", memory=156, cpu=51)], NODE) == []


def test_the_workload_that_passes_the_budget_is_named() -> None:
    (found,) = memory_findings([line("ollama", 64), line("vllm", 120), line("gateway", 4, replicas=2)], NODE)
    assert found.name == "vllm"
    for part in ("120Gi", "192Gi", "35.2Gi over", "budget of 156.8Gi", "gateway 2 x 4Gi", "take 35.2Gi off"):
        assert part in found.message


def test_every_replica_counts() -> None:
    assert memory_findings([line("a", 79, replicas=2)], NODE)
    assert not memory_findings([line("a", 78, replicas=2)], NODE)


def test_cpu_limits_have_a_budget_too() -> None:
    (found,) = cpu_findings([line("a", cpu=30), line("b", cpu=22)], NODE)
    assert found.name == "b"
    assert "52, 0.8 over the node's budget of 51.2" in found.message


def test_a_gpu_is_claimed_once() -> None:
    (found,) = gpu_findings([line("vllm", gpus=1), line("whisper", gpus=1)], NODE)
    assert found.name == "whisper"
    assert "claims 1 nvidia.com/gpu of the 1 that the node has; 1 already claimed by vllm" in found.message


def test_two_replicas_cannot_hold_one_gpu() -> None:
    assert gpu_findings([line("vllm", gpus=1, replicas=2)], NODE)


def test_shares_are_counted_and_their_memory_is_not_divided() -> None:
    sliced = Capacity(memory=196 * GI, cpu=64_000, gpus=(Gpu(name="g", memory=32 * GI, shares=2),))
    assert findings([line("a", gpus=1, vram=20), line("b", gpus=1, vram=12)], sliced) == []
    (found,) = findings([line("a", gpus=1, vram=20), line("b", gpus=1, vram=13)], sliced)
    assert found.name == "b"
    assert "13Gi of VRAM fits on no GPU (g 32Gi) beside a 20Gi" in found.message


def test_an_engine_larger_than_the_gpu_is_refused() -> None:
    (found,) = vram_findings([line("vllm", gpus=1, vram=33)], NODE)
    assert "shorten the context" in found.message


def test_an_engine_over_two_gpus_takes_both() -> None:
    two = Capacity(memory=196 * GI, cpu=64_000, gpus=(CARD, CARD))
    assert findings([line("wide", gpus=2, vram=30)], two) == []
    assert vram_findings([line("wide", gpus=2, vram=30), line("narrow", gpus=1, vram=3)], two)


def test_a_volume_in_memory_larger_than_the_pod_is_refused() -> None:
    (found,) = shared_memory_findings([line("vllm", memory=4, shared=8)], NODE)
    assert "8Gi are charged to the pod, whose memory limit is 4Gi" in found.message


def limited(memory: int, **fields: Any) -> Line:
    """A workload of *memory* GiB with other *fields* of its claim."""
    return Line(name="vllm", claim=replace(line("vllm", memory).claim, **fields))


def test_parked_weights_must_fit_the_limit_beside_the_memory_volumes() -> None:
    (found,) = parked_findings([limited(18, parked=15 * GI, shared_memory=4 * GI)], NODE)
    for part in ("parks 15Gi of weights", "4Gi of memory-backed volumes", "19Gi", "limit is 18Gi", "raise it by 1Gi"):
        assert part in found.message
    assert parked_findings([limited(19, parked=15 * GI, shared_memory=4 * GI)], NODE) == []


def test_an_engine_that_does_not_sleep_parks_nothing() -> None:
    assert parked_findings([limited(2, shared_memory=4 * GI)], NODE) == []


def test_what_a_workload_fills_must_fit_its_limit() -> None:
    parts = (Part(name="m weights", size=5 * GI), Part(name="m KV cache", size=8 * GI))
    (found,) = resident_findings([limited(12, resident=parts)], NODE)
    assert "fills 13Gi of RAM (m weights 5Gi + m KV cache 8Gi), 1Gi over its memory limit of 12Gi" in found.message
    assert resident_findings([limited(13, resident=parts)], NODE) == []


def test_both_are_part_of_the_ledger() -> None:
    workload = limited(4, parked=5 * GI, resident=(Part(name="m", size=6 * GI),))
    assert len(findings([workload], NODE)) == 2


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 3)), max_size=6))
def test_memory_is_refused_exactly_when_the_sum_is_over(workloads: list[tuple[int, int]]) -> None:
    lines = [line(f"w{number}", memory, replicas=replicas) for number, (memory, replicas) in enumerate(workloads)]
    over = sum(memory * replicas for memory, replicas in workloads) * GI > NODE.memory_budget
    assert bool(memory_findings(lines, NODE)) is over


@given(st.permutations([("a", 20), ("b", 12), ("c", 16), ("d", 16)]))
def test_the_order_of_claims_does_not_decide_whether_they_fit(order: list[tuple[str, int]]) -> None:
    two = Capacity(memory=196 * GI, cpu=64_000, gpus=(Gpu(name="g", memory=32 * GI, shares=2),) * 2)
    assert vram_findings([line(name, gpus=1, vram=vram) for name, vram in order], two) == []
