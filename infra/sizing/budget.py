"""The arithmetic of claims on one node, shared by the ledger (from settings) and the policies (from resources).

Memory and VRAM are bytes, CPU is millicores. The sum of *limits* must fit the budget: a limit is what a pod may take.
CPU limits may be let past it, as cores are taken in turns; the requests are then held to it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.quantities import cores, gib


@dataclass(frozen=True, kw_only=True)
class Part:
    """One share of the memory that a workload is known to fill, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one pod may take of the node."""

    memory_request: int
    memory_limit: int  # covers `shared_memory`, which the kernel charges to the same pod
    cpu_request: int
    cpu_limit: int
    gpus: int = 0  # GPUs, or shares of one
    vram: int = 0  # on each GPU it holds; 0 when its engine states none
    shared_memory: int = 0  # memory-backed volumes
    parked: int = 0  # weights that a sleeping engine keeps in RAM
    resident: tuple[Part, ...] = ()  # what it is known to fill of its limit, in order of the message


@dataclass(frozen=True, kw_only=True)
class Line:
    """One workload of the ledger."""

    name: str
    claim: Claim
    replicas: int = 1
    phase: int = 1
    is_lasting: bool = True  # False: a pod that is there for a moment, and must fit beside the rest all the same
    namespace: str | None = None  # None: the stack's own


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One graphics card; *shares* above 1 mean time-slicing, which does not divide its memory."""

    name: str
    memory: int
    shares: int = 1


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a node has, and how much of it may be planned."""

    memory: int
    cpu: int
    gpus: tuple[Gpu, ...] = ()
    budget_percent: int = 80
    cpu_overcommit: int = 1  # times the CPU budget that CPU limits may add up to

    @property
    def memory_budget(self) -> int:
        return self.memory * self.budget_percent // 100

    @property
    def cpu_budget(self) -> int:
        return self.cpu * self.budget_percent // 100

    @property
    def cpu_limit_budget(self) -> int:
        return self.cpu_budget * self.cpu_overcommit

    @property
    def gpu_shares(self) -> int:
        return sum(gpu.shares for gpu in self.gpus)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One broken rule: the workload that broke it, and what to do."""

    name: str
    message: str


def memory_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """At most one finding: the workload whose memory limit goes past the budget."""
    return _over(lines, lambda line: line.claim.memory_limit, capacity.memory_budget, _Words("memory limit", gib))


def shared_memory_findings(lines: Sequence[Line], _: Capacity) -> list[Finding]:
    """A finding for each workload whose memory-backed volumes alone are larger than its limit."""
    return [
        Finding(name=line.name, message=_shared_memory_message(line))
        for line in lines
        if line.claim.shared_memory > line.claim.memory_limit
    ]


def parked_findings(lines: Sequence[Line], _: Capacity) -> list[Finding]:
    """A finding for each workload whose limit does not cover the weights that it parks, beside its memory volumes."""
    return [
        Finding(name=line.name, message=_parked_message(line))
        for line in lines
        if line.claim.parked and line.claim.parked + line.claim.shared_memory > line.claim.memory_limit
    ]


def resident_findings(lines: Sequence[Line], _: Capacity) -> list[Finding]:
    """A finding for each workload whose limit does not cover what it is known to fill."""
    return [
        Finding(name=line.name, message=_resident_message(line))
        for line in lines
        if sum(part.size for part in line.claim.resident) > line.claim.memory_limit
    ]


def cpu_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """At most one finding: the workload whose CPU limit goes past the budget."""
    return _over(lines, lambda line: line.claim.cpu_limit, capacity.cpu_limit_budget, _Words("CPU limit", cores))


def requests_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """At most one finding for memory and one for CPU: the workload that the scheduler would have no room for."""
    memory = _Words("memory request", gib, "requests")
    cpu = _Words("CPU request", cores, "requests")
    return [
        *_over(lines, lambda line: line.claim.memory_request, capacity.memory_budget, memory),
        *_over(lines, lambda line: line.claim.cpu_request, capacity.cpu_budget, cpu),
    ]


def overcommitted_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """Those of the requests where limits do not hold them."""
    return requests_findings(lines, capacity) if capacity.cpu_overcommit > 1 else []


def gpu_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """A finding for each workload that claims a GPU, or a share of one, that is already taken."""
    found, taken = [], 0
    for line in (line for line in lines if line.claim.gpus):
        wanted = line.claim.gpus * line.replicas
        if taken + wanted > capacity.gpu_shares:
            found.append(Finding(name=line.name, message=_gpu_message(line, wanted, taken, lines, capacity)))
        taken += wanted
    return found


def vram_findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """A finding for each workload whose engine does not fit on any GPU beside those placed before it.

    Largest first, each where it fits first: a set that this places can be placed. Claims without a GPU take none.
    """
    free = [gpu.memory for gpu in capacity.gpus]
    found = []
    for line in sorted(lines, key=lambda line: -line.claim.vram):
        if not _place(free, line):
            found.append(Finding(name=line.name, message=_vram_message(line, lines, capacity)))
    return found


CHECKS: tuple[Callable[[Sequence[Line], Capacity], list[Finding]], ...] = (
    memory_findings,
    shared_memory_findings,
    parked_findings,
    resident_findings,
    cpu_findings,
    overcommitted_findings,
    gpu_findings,
    vram_findings,
)


def findings(lines: Sequence[Line], capacity: Capacity) -> list[Finding]:
    """Everything that does not fit, in the order memory (the sum, then pod by pod), CPU, GPUs, VRAM."""
    return [finding for check in CHECKS for finding in check(lines, capacity)]


def total(lines: Iterable[Line], amount: Callable[[Claim], int]) -> int:
    """The sum of *amount* over every replica."""
    return sum(amount(line.claim) * line.replicas for line in lines)


@dataclass(frozen=True)
class _Words:
    figure: str
    text: Callable[[int], str]
    sides: str = "limits"


def _over(lines: Sequence[Line], amount: Callable[[Line], int], budget: int, words: _Words) -> list[Finding]:
    running, breaker = 0, None
    for line in lines:
        running += amount(line) * line.replicas
        if breaker is None and running > budget:
            breaker = line
    if breaker is None:
        return []
    sums = " + ".join(_product(line.replicas, words.text(amount(line)), line.name) for line in lines)
    over, text = words.text(running - budget), words.text
    message = (
        f"{breaker.name}: with its {words.figure} of {_product(breaker.replicas, text(amount(breaker)))} "
        f"the {words.sides} add up to {text(running)}, {over} over the node's budget of {text(budget)} ({sums}); "
        f"take {over} off the {words.figure} or the replicas of {breaker.name} or of another workload"
    )
    return [Finding(name=breaker.name, message=message)]


def _product(replicas: int, amount: str, name: str = "") -> str:
    return f"{name} {replicas} x {amount}".strip() if replicas > 1 else f"{name} {amount}".strip()


def _shared_memory_message(line: Line) -> str:
    shared, limit = gib(line.claim.shared_memory), gib(line.claim.memory_limit)
    return (
        f"{line.name}: its memory-backed volumes of {shared} are charged to the pod, whose memory limit is {limit}; "
        f"make them smaller than the limit, or raise it"
    )


def _parked_message(line: Line) -> str:
    claim = line.claim
    need = claim.parked + claim.shared_memory
    return (
        f"{line.name}: asleep it parks {gib(claim.parked)} of weights in RAM, which with {gib(claim.shared_memory)} of "
        f"memory-backed volumes make {gib(need)}; its memory limit is {gib(claim.memory_limit)}: "
        f"raise it by {gib(need - claim.memory_limit)}, or turn sleep off"
    )


def _resident_message(line: Line) -> str:
    need = sum(part.size for part in line.claim.resident)
    parts = " + ".join(f"{part.name} {gib(part.size)}" for part in line.claim.resident)
    over = need - line.claim.memory_limit
    return (
        f"{line.name}: it fills {gib(need)} of RAM ({parts}), {gib(over)} over its memory limit of "
        f"{gib(line.claim.memory_limit)}; raise the limit, shorten the context, serve fewer requests or models at a "
        "time, or choose a smaller model or quantization"
    )


def _gpu_message(line: Line, wanted: int, taken: int, lines: Sequence[Line], capacity: Capacity) -> str:
    others = [other.name for other in lines if other.claim.gpus and other is not line]
    held = f"; {taken} already claimed by {', '.join(others)}" if taken else ""
    return (
        f"{line.name}: claims {wanted} nvidia.com/gpu of the {capacity.gpu_shares} that the node has{held}; "
        f"run {line.name} on the CPU, remove the other claim, or raise the GPU's shares (time-slicing)"
    )


def _vram_message(line: Line, lines: Sequence[Line], capacity: Capacity) -> str:
    others = [other for other in lines if other.claim.vram and other is not line]
    beside = ", ".join(f"{other.name} {gib(other.claim.vram)}" for other in others)
    gpus = ", ".join(f"{gpu.name} {gib(gpu.memory)}" for gpu in capacity.gpus) or "none"
    return (
        f"{line.name}: its {gib(line.claim.vram)} of VRAM fits on no GPU ({gpus})"
        f"{f' beside {beside}' if beside else ''}; "
        "shorten the context, lower the number of sequences, or choose a smaller model, dtype or quantization"
    )


def _place(free: list[int], line: Line) -> bool:
    """Take the VRAM of each replica from distinct GPUs of *free*; False when one does not fit."""
    for _ in range(line.replicas if line.claim.vram else 0):
        homes = [index for index, left in enumerate(free) if left >= line.claim.vram][: line.claim.gpus]
        if len(homes) < max(line.claim.gpus, 1):
            return False
        for index in homes:
            free[index] -= line.claim.vram
    return True
