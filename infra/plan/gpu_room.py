"""Room for one workload on the GPUs of a node, beside the others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from infra.bisection import largest
from infra.sizing.budget import Capacity, LedgerLine
from infra.sizing.gpu_budget import gpu_violations, vram_violations


def room(lines: Sequence[LedgerLine], capacity: Capacity, name: str, gpus: int) -> int:
    """Return the most bytes that the workload *name* may take on each of *gpus* GPUs; 0 where it gets none."""

    def fits(vram: int) -> bool:
        changed = list(_changed(lines, name, gpus, vram))
        return not vram_violations(changed, capacity) and not gpu_violations(changed, capacity)

    return largest(max((gpu.free for gpu in capacity.gpus), default=0), fits)


def holders(lines: Sequence[LedgerLine], name: str) -> list[LedgerLine]:
    """Return the other workloads that hold a GPU or memory of one."""
    return [line for line in lines if line.name != name and (line.claim.gpus or line.claim.vram)]


def _changed(lines: Sequence[LedgerLine], name: str, gpus: int, vram: int) -> Iterator[LedgerLine]:
    for line in lines:
        is_ours = line.name == name
        yield replace(line, claim=replace(line.claim, vram=vram, gpus=gpus)) if is_ours else line
