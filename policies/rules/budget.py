"""Budget rules: the claims of all pods fit the node and its GPUs, and every container has limits to add up."""

from collections.abc import Iterator, Sequence

from infra.quantities import as_bytes, as_millicores
from infra.sizing.budget import (
    Capacity,
    LedgerLine,
    Violation,
    cpu_violations,
    memory_violations,
    requests_violations,
    shared_memory_violations,
    sleeping_weights_violations,
)
from infra.sizing.gpu_budget import gpu_violations, vram_violations
from policies.reading.claims import amount, containers, memory_volumes
from policies.reading.pods import Pods
from policies.rule import budget_rule, pod_rule

NEEDED = {"memory": as_bytes, "cpu": as_millicores}


def _memory(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    checks = (memory_violations, shared_memory_violations, sleeping_weights_violations)
    return [violation for check in checks for violation in check(lines, capacity)]


def _limits(pods: Pods) -> Iterator[str]:
    whole_pod = {**pods.spec, "name": "(the pod)"}
    for resource, read in NEEDED.items():
        if amount(whole_pod, "limits", resource, read):
            continue
        for container in containers(pods.spec):
            if not amount(container, "limits", resource, read):
                yield (
                    f"container {container.get('name')} has no {resource} limit; "
                    f"set resources.limits.{resource} to the most it may use"
                )
    for volume in memory_volumes(pods.spec):
        if "sizeLimit" not in volume:
            yield "a memory-backed emptyDir has no sizeLimit, so it may grow to half of the node's memory; set one"


memory_within_budget = budget_rule(
    "memory-within-budget",
    "Memory limits add up to no more than the budget.",
    _memory,
    reason="A pod may use its whole memory limit, and the node has no swap.",
)
cpu_within_budget = budget_rule(
    "cpu-within-budget",
    "CPU limits add up to no more than the budget.",
    cpu_violations,
    reason="One busy service must not take the CPU time of the others.",
)
requests_within_budget = budget_rule(
    "requests-within-budget",
    "Memory and CPU requests add up to no more than the budget.",
    requests_violations,
    reason="The scheduler leaves a pod pending when its requests do not fit the node.",
)
containers_have_limits = pod_rule(
    "containers-have-limits",
    "Every container has memory and CPU limits.",
    _limits,
    reason="A container without a limit may use the whole node, and its claim cannot be added up.",
)
gpu_claimed_once = budget_rule(
    "gpu-claimed-once",
    "No GPU and no share of one is claimed twice.",
    gpu_violations,
    reason="A second pod that claims the same GPU stays pending.",
)
vram_within_gpu = budget_rule(
    "vram-within-gpu",
    "Weights, KV cache and overhead fit the GPU's memory.",
    vram_violations,
    reason="An engine that is too large fails at its first long request, not at its start.",
)
