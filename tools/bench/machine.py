"""Which cores a proxy has to itself, and how busy strangers keep them."""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
IDLE = frozenset({3, 4})  # of the figures of a core in /proc/stat: idle, and idle while a disk works
GUEST = 8  # from here on they are counted a second time


@dataclass(frozen=True, kw_only=True)
class Cores:
    """The cores of the proxy, and those of the stub, the load client and this process."""

    proxy: tuple[int, ...]
    rest: tuple[int, ...]

    @classmethod
    def split(cls) -> "Cores":
        """One core for the proxy, where there is more than one."""
        first, *others = sorted(os.sched_getaffinity(0))
        return cls(proxy=(first,), rest=tuple(others) or (first,))

    @classmethod
    def shared(cls) -> "Cores":
        """All cores for everybody, since several workers need more than one."""
        there = tuple(sorted(os.sched_getaffinity(0)))
        return cls(proxy=there, rest=there)


def foreign(ours_s: Callable[[], float]) -> Callable[[], float]:
    """Begin to watch; the answer says which share of all cores others than us had since, given our CPU seconds."""
    started, busy_s, own_s = time.monotonic(), _busy_s(), ours_s() + _own_s()

    def share() -> float:
        others_s = (_busy_s() - busy_s) - (ours_s() + _own_s() - own_s)
        return max(0.0, others_s / ((time.monotonic() - started) * (os.cpu_count() or 1)))

    return share


def _busy_s() -> float:
    figures = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]
    return sum(int(value) for place, value in enumerate(figures) if place not in IDLE and place < GUEST) * TICK_S


def _own_s() -> float:
    """Of this process and of the load clients that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)
