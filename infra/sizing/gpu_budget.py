"""Budget checks of the GPUs of a node: who claims them, and what fits into their memory."""

from collections.abc import Sequence

from infra.quantities import gib
from infra.sizing.budget import Capacity, LedgerLine, Violation, in_words


def gpu_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return a violation for each workload that claims a GPU, or a share of one, that is already claimed."""
    result, claimed = [], 0
    for line in (line for line in lines if line.claim.gpus):
        gpus = line.claim.gpus * line.replicas
        if claimed + gpus > capacity.gpu_shares:
            result.append(Violation(name=line.name, message=_gpu_message(line, gpus, claimed, lines, capacity)))
        claimed += gpus
    return result


def vram_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return a violation for each workload whose engine fits on no GPU beside the engines placed before it.

    Placement is first-fit decreasing: what it places does fit, and claims without a GPU need no place.
    """
    free = [gpu.free for gpu in capacity.gpus]
    result = []
    for line in sorted(lines, key=lambda line: -line.claim.vram):
        left = max(free, default=0)
        if not _place(free, line):
            result.append(Violation(name=line.name, message=_vram_message(line, lines, capacity, left)))
    return result


def vram_warnings(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return the workloads that fit only if the figures of their GPU are better than their measured error."""
    free = [gpu.free for gpu in capacity.gpus]
    result = []
    for line in sorted(lines, key=lambda line: -line.claim.vram):
        if line.claim.vram_error and _place(free, line) and min(free) < line.claim.vram_error:
            result.append(Violation(name=line.name, message=_tight_message(line, min(free))))
    return result


def _gpu_message(line: LedgerLine, gpus: int, claimed: int, lines: Sequence[LedgerLine], capacity: Capacity) -> str:
    others = [other.name for other in lines if other.claim.gpus and other is not line]
    before = f"; {claimed} already claimed by {', '.join(others)}" if claimed else ""
    return (
        f"{line.name}: claims {gpus} nvidia.com/gpu of the {capacity.gpu_shares} that the node has{before}; "
        f"run {line.name} on the CPU, remove the other claim, or raise the GPU's shares (time-slicing)"
    )


def _vram_message(line: LedgerLine, lines: Sequence[LedgerLine], capacity: Capacity, left: int) -> str:
    others = [other for other in lines if other.claim.vram and other is not line]
    beside = ", ".join(f"{other.name} {gib(other.claim.vram)}" for other in others)
    gpus = ", ".join(f"{gpu.name} {gib(gpu.free)}" for gpu in capacity.gpus) or "none"
    fits = line.fit(left) if line.fit and left > 0 else ""
    return (
        f"{line.name}: its {gib(line.claim.vram)} of VRAM{_parts(line)} fits on no GPU ({gpus})"
        f"{f' beside {beside}' if beside else ''}; {f'{fits}; ' if fits else ''}"
        "shorten the context, lower the number of sequences, or choose a smaller model, dtype or quantization"
    )


def _tight_message(line: LedgerLine, left: int) -> str:
    return (
        f"{line.name}: its {gib(line.claim.vram)} of VRAM{_parts(line)} leaves {gib(left)} on its GPU, less than the "
        f"{gib(line.claim.vram_error)} by which the figures of its engine may be wrong; it is likely to start, and "
        "`synapse fit` shows what is safe"
    )


def _parts(line: LedgerLine) -> str:
    parts = in_words(line.claim.vram_parts)
    return f" ({parts})" if parts else ""


def _place(free: list[int], line: LedgerLine) -> bool:
    """Subtract the VRAM of each replica from distinct GPUs in *free*; return False where a replica does not fit."""
    for _ in range(line.replicas if line.claim.vram else 0):
        chosen = [index for index, left in enumerate(free) if left >= line.claim.vram][: line.claim.gpus]
        if len(chosen) < max(line.claim.gpus, 1):
            return False
        for index in chosen:
            free[index] -= line.claim.vram
    return True
