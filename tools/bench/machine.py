"""CPU cores of a benchmark, and the share of them that other processes use."""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
IDLE = frozenset({3, 4})  # columns of /proc/stat: idle and iowait
GUEST = 8  # the columns from here on (guest time) are already part of the earlier ones


@dataclass(frozen=True, kw_only=True)
class Cores:
    """Cores of the proxy, and cores of the stub, the load client and this process."""

    proxy: tuple[int, ...]
    rest: tuple[int, ...]

    @classmethod
    def split(cls) -> "Cores":
        """Give one core to the proxy, where there is more than one."""
        first, *others = sorted(os.sched_getaffinity(0))
        return cls(proxy=(first,), rest=tuple(others) or (first,))

    @classmethod
    def shared(cls) -> "Cores":
        """Share all cores, since several workers need more than one."""
        cores = tuple(sorted(os.sched_getaffinity(0)))
        return cls(proxy=cores, rest=cores)


def foreign_share(ours_s: Callable[[], float]) -> Callable[[], float]:
    """Start measuring; the result returns the share of all cores that other processes have used since.

    *ours_s* returns the CPU seconds of the processes of the benchmark.
    """
    started, busy_s, own_s = time.monotonic(), _busy_s(), ours_s() + _own_s()

    def share() -> float:
        others_s = (_busy_s() - busy_s) - (ours_s() + _own_s() - own_s)
        return max(0.0, others_s / ((time.monotonic() - started) * (os.cpu_count() or 1)))

    return share


def _busy_s() -> float:
    figures = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    return sum(int(value) for column, value in enumerate(figures) if column not in IDLE and column < GUEST) * TICK_S


def _own_s() -> float:
    """Return the CPU seconds of this process and of the load clients that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)
