"""Soaks: the gateway under load for a long time, with what it holds looked at again and again."""

import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tools.bench.load import HEADERS, LoadProfile, LoadResult, chat, run_load
from tools.bench.machine import Cores
from tools.bench.process import ProbeRequest, RunningProcess, ask, free_port
from tools.bench.subjects import PROBE, ProxySetup, proxy, stub
from tools.bench.verdict import Verdict
from tools.errors import ToolsError
from tools.progress import say

REQUESTS = (
    LoadProfile(connections=32),
    LoadProfile(connections=32),
    LoadProfile(connections=32),
    LoadProfile(connections=32, body=chat(is_stream=True), is_stream=True),
)
ABORTS = (
    LoadProfile(connections=64, aborts=0.3, body=chat(wait_ms=20)),
    LoadProfile(connections=64, aborts=0.3, body=chat(is_stream=True, wait_ms=2), is_stream=True),
    LoadProfile(connections=64, aborts=0.3, body=chat(is_stream=True), is_stream=True),
    LoadProfile(connections=64, aborts=0.3),
)
"""Clients that leave within 50 ms: while the backend thinks, between two events, amid a flood, in their own request."""
SNAPSHOTS = 40
"""How often a soak is interrupted to look."""
SETTLE_S = 20.0
AGAIN_S = 0.5
GROWTH = 0.05
SPARE = 4
"""Descriptors more than at the start that may be open when we look: the connection of the look itself is one."""
CALLS = re.compile(rb"^synapse_(?:streams|backend_requests)_(?:active|waiting)\{.*\} (\S+)$", re.MULTILINE)
METRICS = ProbeRequest(path="/metrics", headers=HEADERS)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What the gateway held at rest, after a spell of load. Memory in MiB; *calls* is what its own metrics say."""

    rss_mib: float
    descriptors: int
    upstream: int  # descriptors of the backend: calls that nobody waits for any more
    calls: float


@dataclass(frozen=True, kw_only=True)
class Soak:
    """A soak that is over: the figures of each spell, and the look before the first and after each."""

    name: str
    figures: Sequence[LoadResult]
    looks: Sequence[Snapshot]

    def verdicts(self) -> list[Verdict]:
        asked = sum(spell.all + spell.aborted for spell in self.figures)
        last, first = self.looks[-1], self.looks[0]
        growth = self._growth()
        return [
            Verdict(what=f"{self.name}: requests", value=asked, bound=1, is_least=True),
            Verdict(what=f"{self.name}: errors", value=sum(spell.errors for spell in self.figures), bound=0),
            Verdict(what=f"{self.name}: growth of memory", value=growth * 100, bound=GROWTH * 100, unit=" %"),
            Verdict(what=f"{self.name}: open files", value=last.descriptors, bound=first.descriptors + SPARE),
            Verdict(what=f"{self.name}: open files of the backend", value=last.upstream, bound=first.upstream + SPARE),
            Verdict(what=f"{self.name}: calls that did not end", value=last.calls, bound=0),
        ]

    def _growth(self) -> float:
        """Of the last third of the looks over the first; medians, so that warming up does not count."""
        after = [look.rss_mib for look in self.looks[1:]]
        third = max(1, len(after) // 3)
        return statistics.median(after[-third:]) / statistics.median(after[:third]) - 1


def soak_requests(folder: Path, count: int, looks: int = SNAPSHOTS) -> Soak:
    """*count* requests, a quarter of them streams. Raises ToolsError where the gateway does not come up."""
    spells = [
        replace(REQUESTS[turn % len(REQUESTS)], requests=max(1, count // looks), warmup_s=0, seconds=0)
        for turn in range(looks)
    ]
    return _soak(f"{count:,} requests", folder, spells)


def soak_aborts(folder: Path, minutes: float, looks: int = SNAPSHOTS, rate: float = 0) -> Soak:
    """Clients that leave at random moments, for *minutes*; *rate* requests a second, or as many as get through."""
    seconds = minutes * 60 / looks
    spells = [replace(ABORTS[turn % len(ABORTS)], seconds=seconds, rate=rate, warmup_s=0) for turn in range(looks)]
    return _soak(f"{minutes:g} min of aborts", folder, spells)


def _soak(name: str, folder: Path, spells: Sequence[LoadProfile]) -> Soak:
    cores = Cores.split()
    with _gateway(folder, cores) as (backend, running):
        looks, figures = [_settled(running, backend, None)], []
        for number, spell in enumerate(spells, 1):
            figures.append(run_load(running.port, spell, cores.rest))
            looks.append(_settled(running, backend, looks[0]))
            _tell(name, number, len(spells), figures[-1], looks[-1])
    return Soak(name=name, figures=figures, looks=looks)


@contextmanager
def _gateway(folder: Path, cores: Cores) -> Iterator[tuple[RunningProcess, RunningProcess]]:
    """The stub, and a gateway in front of it."""
    with stub(folder, cores) as backend:
        place = ProxySetup(folder=folder, port=free_port(), upstream=backend.port)
        with proxy("gateway", place, cores) as running:
            yield backend, running


def _settled(running: RunningProcess, backend: RunningProcess, first: Snapshot | None) -> Snapshot:
    """A look once the gateway is at rest, or after 20 s; idle connections are dropped with the calls that we make."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        time.sleep(AGAIN_S)
        if ask(running.port, PROBE)[0] != 200:
            raise ToolsError("the gateway answers no more")
        look = _look(running, backend)
        if first is None or time.monotonic() > deadline or _is_at_rest(look, first):
            return look


def _look(running: RunningProcess, backend: RunningProcess) -> Snapshot:
    calls = sum(float(value) for value in CALLS.findall(ask(running.port, METRICS)[1]))
    return Snapshot(
        rss_mib=running.rss_mib(), descriptors=running.descriptors(), upstream=backend.descriptors(), calls=calls
    )


def _is_at_rest(look: Snapshot, first: Snapshot) -> bool:
    few = look.descriptors <= first.descriptors + SPARE and look.upstream <= first.upstream + SPARE
    return few and look.calls == 0


def _tell(name: str, number: int, of: int, figures: LoadResult, look: Snapshot) -> None:
    first = f" (first: {figures.first_error})" if figures.errors else ""
    say(
        f"{name}, {number} of {of}: {figures.all} answered, {figures.aborted} left, {figures.errors} errors{first}; "
        f"{look.rss_mib:.1f} MiB, {look.descriptors} open files, {look.calls:g} calls"
    )
