"""The ledger: the resource claims of all workloads, their sums, and the budget of the node."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.errors import BudgetError
from infra.quantities import cores, gib
from infra.sizing.budget import (
    Capacity,
    LedgerLine,
    Violation,
    cpu_violations,
    memory_violations,
    overcommit_violations,
    shared_memory_violations,
    sleeping_weights_violations,
    total,
    working_set_violations,
)
from infra.sizing.gpu_budget import gpu_violations, vram_violations, vram_warnings

COLUMNS = ("Phase", "Workload", "Replicas", "RAM request", "RAM limit", "CPU request", "CPU limit", "GPUs", "VRAM")


CHECKS: tuple[Callable[[Sequence[LedgerLine], Capacity], list[Violation]], ...] = (
    memory_violations,
    shared_memory_violations,
    sleeping_weights_violations,
    working_set_violations,
    cpu_violations,
    overcommit_violations,
    gpu_violations,
    vram_violations,
)


def violations(lines: Sequence[LedgerLine], capacity: Capacity) -> list[Violation]:
    """Return all violations in the order memory (the sum, then pod by pod), CPU, GPUs, VRAM."""
    return [violation for check in CHECKS for violation in check(lines, capacity)]


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Resource claims of a stack's workloads, and the capacity of its node."""

    lines: tuple[LedgerLine, ...]
    capacity: Capacity

    def violations(self) -> list[Violation]:
        return violations(self.lines, self.capacity)

    def warnings(self) -> list[Violation]:
        """Return what fits only if the figures of its GPU are right; nothing where something does not fit."""
        return [] if self.violations() else vram_warnings(self.lines, self.capacity)

    def check(self) -> None:
        """Raise BudgetError with the table and all violations unless everything fits."""
        if messages := [f"- {violation.message}" for violation in self.violations()]:
            raise BudgetError("\n".join(["the claims do not fit the node\n", self.text(), *messages]))

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of every line, then of the sum and of the budget, in the order of `COLUMNS`."""
        return [*(_row(line) for line in self.lines), self._sum(), self._budget()]

    def text(self) -> str:
        """Return the table for a terminal; lines with a violation are marked."""
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a preview prints no table, and the import takes a tenth of it
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        broken = {violation.name for violation in self.violations()}
        table = Table(*COLUMNS, box=SIMPLE_HEAD, pad_edge=False)
        for row in self.rows():
            table.add_row(*row[:1], f"{row[1]} <- does not fit" if row[1] in broken else row[1], *row[2:])
        console = Console(width=140, color_system=None, force_terminal=False, highlight=False)
        with console.capture() as captured:
            console.print(table)
        return "\n".join(line.rstrip() for line in captured.get().splitlines() if line.strip()) + "\n"

    def markdown(self) -> str:
        """Return the table for a Markdown document."""
        return markdown(COLUMNS, self.rows())

    def _sum(self) -> tuple[str, ...]:
        def all_of(field: str) -> int:
            return total(self.lines, lambda claim: int(getattr(claim, field)))

        memory = gib(all_of("memory_request")), gib(all_of("memory_limit"))
        cpu = cores(all_of("cpu_request")), cores(all_of("cpu_limit"))
        vram = sum(line.claim.vram * line.replicas * line.claim.gpus for line in self.lines)
        pods = str(sum(line.replicas for line in self.lines))
        return "", "sum", pods, *memory, *cpu, str(all_of("gpus")), gib(vram)

    def _budget(self) -> tuple[str, ...]:
        node = self.capacity
        vram = sum(gpu.free for gpu in node.gpus)
        memory, cpu = gib(node.memory_budget), (cores(node.cpu_budget), cores(node.cpu_limit_budget))
        return "", f"budget ({node.budget_percent}%)", "", memory, memory, *cpu, str(node.gpu_shares), gib(vram)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _row(line: LedgerLine) -> tuple[str, ...]:
    claim = line.claim
    memory, cpu = (
        (gib(claim.memory_request), gib(claim.memory_limit)),
        (cores(claim.cpu_request), cores(claim.cpu_limit)),
    )
    vram = gib(claim.vram) if claim.vram else "-"
    return str(line.phase), line.name, str(line.replicas), *memory, *cpu, str(claim.gpus or "-"), vram
