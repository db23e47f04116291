"""Budget checks over the resource claims of one node, used by the ledger (settings) and the policies (resources).

Memory and VRAM are bytes, CPU is millicores. The sum of the *limits* must fit the budget: a pod may use its limit.
CPU limits may exceed the budget (overcommit), because cores are shared in time; then the requests must fit it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from infra.quantities import cores, gib


@dataclass(frozen=True, kw_only=True)
class MemoryShare:
    """A named part of a workload's working set, in bytes."""

    name: str
    size: int


def in_words(shares: Iterable[MemoryShare]) -> str:
    """Return *shares* as a sum, such as `weights 15Gi + KV cache 9Gi`."""
    return " + ".join(f"{share.name} {gib(share.size)}" for share in shares)


@dataclass(frozen=True, kw_only=True)
class ResourceClaim:
    """Requests and limits of one pod."""

    memory_request: int
    memory_limit: int  # covers `shared_memory`, which the kernel charges to the same pod
    cpu_request: int
    cpu_limit: int
    gpus: int = 0  # GPUs, or shares of one
    vram: int = 0  # on each of its GPUs; 0 where the engine states none
    vram_parts: tuple[MemoryShare, ...] = field(default=(), compare=False)  # of `vram`, where it is calculated
    vram_error: int = field(default=0, compare=False)  # bytes by which `vram` may be wrong
    shared_memory: int = 0  # memory-backed volumes
    sleeping_weights: int = 0  # weights that a sleeping engine keeps in RAM
    working_set: tuple[MemoryShare, ...] = ()  # memory that the pod needs at least, in the order of the message


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """One workload of the ledger."""

    name: str
    claim: ResourceClaim
    replicas: int = 1
    phase: int = 1
    is_lasting: bool = True  # False: a short-lived pod (rollout, restart); it must fit beside the others as well
    namespace: str | None = None  # None: the namespace of the stack
    fit: Callable[[int], str] | None = field(default=None, compare=False, repr=False)  # bytes -> what fits into them


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU; *shares* above 1 mean time-slicing, which does not divide its memory."""

    name: str
    memory: int  # that CUDA can use
    shares: int = 1
    reserve: int = 0  # of it, for what is not planned here

    @property
    def free(self) -> int:
        """Bytes that a plan may use."""
        return self.memory - self.reserve


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Resources of a node, and the percentage of them that may be claimed."""

    memory: int
    cpu: int
    gpus: tuple[Gpu, ...] = ()
    budget_percent: int = 80
    cpu_overcommit: int = 1  # the sum of CPU limits may be this many times the CPU budget

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
    def smallest_gpu(self) -> int:
        """Bytes of the smallest GPU; 0 without one."""
        return min((gpu.memory for gpu in self.gpus), default=0)

    @property
    def gpu_shares(self) -> int:
        return sum(gpu.shares for gpu in self.gpus)


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One check that failed: the workload that caused it, and a message that says what to do."""

    name: str
    message: str


def memory_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return at most one violation: the workload whose memory limit exceeds the budget."""
    return _over_budget(
        lines, lambda line: line.claim.memory_limit, capacity.memory_budget, _Figure("memory limit", gib)
    )


def shared_memory_violations(lines: Sequence[LedgerLine], _: Capacity) -> list[Violation]:
    """Return a violation for each workload whose memory-backed volumes are larger than its memory limit."""
    return [
        Violation(name=line.name, message=_shared_memory_message(line))
        for line in lines
        if line.claim.shared_memory > line.claim.memory_limit
    ]


def sleeping_weights_violations(lines: Sequence[LedgerLine], _: Capacity) -> list[Violation]:
    """Return a violation for each workload whose limit does not cover its sleeping weights and memory volumes."""
    return [
        Violation(name=line.name, message=_sleeping_weights_message(line))
        for line in lines
        if line.claim.sleeping_weights
        and line.claim.sleeping_weights + line.claim.shared_memory > line.claim.memory_limit
    ]


def working_set_violations(lines: Sequence[LedgerLine], _: Capacity) -> list[Violation]:
    """Return a violation for each workload whose limit does not cover its working set."""
    return [
        Violation(name=line.name, message=_working_set_message(line))
        for line in lines
        if sum(share.size for share in line.claim.working_set) > line.claim.memory_limit
    ]


def cpu_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return at most one violation: the workload whose CPU limit exceeds the budget."""
    return _over_budget(
        lines, lambda line: line.claim.cpu_limit, capacity.cpu_limit_budget, _Figure("CPU limit", cores)
    )


def requests_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return at most one violation for memory and one for CPU: the workload that could not be scheduled."""
    memory = _Figure("memory request", gib, "requests")
    cpu = _Figure("CPU request", cores, "requests")
    return [
        *_over_budget(lines, lambda line: line.claim.memory_request, capacity.memory_budget, memory),
        *_over_budget(lines, lambda line: line.claim.cpu_request, capacity.cpu_budget, cpu),
    ]


def overcommit_violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return the violations of the requests where CPU overcommit lets the limits exceed the budget."""
    return requests_violations(lines, capacity) if capacity.cpu_overcommit > 1 else []


def total(lines: Iterable[LedgerLine], amount: Callable[[ResourceClaim], int]) -> int:
    """Return the sum of *amount* over every replica."""
    return sum(amount(line.claim) * line.replicas for line in lines)


@dataclass(frozen=True)
class _Figure:
    name: str
    text: Callable[[int], str]
    plural: str = "limits"


def _over_budget(
    lines: Sequence[LedgerLine], amount: Callable[[LedgerLine], int], budget: int, figure: _Figure
) -> list[Violation]:
    running, first_over = 0, None
    for line in lines:
        running += amount(line) * line.replicas
        if first_over is None and running > budget:
            first_over = line
    if first_over is None:
        return []
    text = figure.text
    if amount(first_over) * first_over.replicas < running - budget:  # without it the rest would not fit either
        first_over = max(reversed(lines), key=lambda line: amount(line) * line.replicas)
    sums = " + ".join(_product(line.replicas, text(amount(line)), line.name) for line in lines)
    over = text(running - budget)
    message = (
        f"{first_over.name}: with its {figure.name} of {_product(first_over.replicas, text(amount(first_over)))} "
        f"the {figure.plural} add up to {text(running)}, {over} over the node's budget of {text(budget)} ({sums}); "
        f"reduce the {figure.name} or the replicas of {first_over.name} or of another workload by {over}"
    )
    return [Violation(name=first_over.name, message=message)]


def _product(replicas: int, amount: str, name: str = "") -> str:
    return f"{name} {replicas} x {amount}".strip() if replicas > 1 else f"{name} {amount}".strip()


def _shared_memory_message(line: LedgerLine) -> str:
    shared, limit = gib(line.claim.shared_memory), gib(line.claim.memory_limit)
    return (
        f"{line.name}: its memory-backed volumes of {shared} count towards the pod's memory limit of {limit}; "
        f"make them smaller than the limit, or raise the limit"
    )


def _sleeping_weights_message(line: LedgerLine) -> str:
    claim = line.claim
    need = claim.sleeping_weights + claim.shared_memory
    return (
        f"{line.name}: while it sleeps it keeps {gib(claim.sleeping_weights)} of weights in RAM, which with "
        f"{gib(claim.shared_memory)} of memory-backed volumes make {gib(need)}; its memory limit is "
        f"{gib(claim.memory_limit)}: raise it by {gib(need - claim.memory_limit)}, or turn sleep off"
    )


def _working_set_message(line: LedgerLine) -> str:
    need = sum(share.size for share in line.claim.working_set)
    shares = in_words(line.claim.working_set)
    over = need - line.claim.memory_limit
    return (
        f"{line.name}: it needs {gib(need)} of RAM ({shares}), {gib(over)} over its memory limit of "
        f"{gib(line.claim.memory_limit)}; raise the limit, shorten the context, serve fewer requests or models at a "
        "time, or choose a smaller model or quantization"
    )
