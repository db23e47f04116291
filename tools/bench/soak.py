"""Soak tests: the gateway under load for a long time, with its memory, open files and calls checked repeatedly."""

import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tools.bench.load import HEADERS, LoadProfile, LoadTestResult, chat, run_load
from tools.bench.machine import Cores
from tools.bench.process import ProbeRequest, RunningProcess, free_port, send
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
"""Clients that leave within 50 ms: before the response, between two events, during a fast stream, while sending."""
SNAPSHOTS = 40
"""Number of snapshots of a soak test."""
SETTLE_S = 20.0
AGAIN_S = 0.5
GROWTH = 0.05
SPARE = 4
"""Descriptors that may be open beyond those at the start; the connection of the snapshot itself is one."""
CALLS = re.compile(rb"^synapse_(?:streams|backend_requests)_(?:active|waiting)\{.*\} (\S+)$", re.MULTILINE)
METRICS = ProbeRequest(path="/metrics", headers=HEADERS)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """State of the gateway at rest, after a load. Memory in MiB; *calls* is from its own metrics."""

    rss_mib: float
    descriptors: int
    upstream: int  # descriptors of the backend; more of them are abandoned calls
    calls: float


@dataclass(frozen=True, kw_only=True)
class Soak:
    """A finished soak test: the result of each load, and a snapshot before the first and after each."""

    name: str
    figures: Sequence[LoadTestResult]
    snapshots: Sequence[Snapshot]

    def verdicts(self) -> list[Verdict]:
        requests = sum(load.all + load.aborted for load in self.figures)
        last, first = self.snapshots[-1], self.snapshots[0]
        growth = self._growth()
        return [
            Verdict(what=f"{self.name}: requests", value=requests, bound=1, is_least=True),
            Verdict(what=f"{self.name}: errors", value=sum(load.errors for load in self.figures), bound=0),
            Verdict(what=f"{self.name}: growth of memory", value=growth * 100, bound=GROWTH * 100, unit=" %"),
            Verdict(what=f"{self.name}: open files", value=last.descriptors, bound=first.descriptors + SPARE),
            Verdict(what=f"{self.name}: open files of the backend", value=last.upstream, bound=first.upstream + SPARE),
            Verdict(what=f"{self.name}: calls that did not end", value=last.calls, bound=0),
        ]

    def _growth(self) -> float:
        """Return the growth of memory between the first and the last third of the snapshots, by their medians."""
        after = [snapshot.rss_mib for snapshot in self.snapshots[1:]]
        third = max(1, len(after) // 3)
        return statistics.median(after[-third:]) / statistics.median(after[:third]) - 1


def soak_requests(folder: Path, count: int, snapshots: int = SNAPSHOTS) -> Soak:
    """Send *count* requests, a quarter of them streams. Raises ToolsError where the gateway does not start."""
    loads = [
        replace(REQUESTS[turn % len(REQUESTS)], requests=max(1, count // snapshots), warmup_s=0, seconds=0)
        for turn in range(snapshots)
    ]
    return _soak(f"{count:,} requests", folder, loads)


def soak_aborts(folder: Path, minutes: float, snapshots: int = SNAPSHOTS, rate: float = 0) -> Soak:
    """Send requests whose clients leave at random moments, for *minutes*; *rate* 0 is as fast as possible."""
    seconds = minutes * 60 / snapshots
    loads = [replace(ABORTS[turn % len(ABORTS)], seconds=seconds, rate=rate, warmup_s=0) for turn in range(snapshots)]
    return _soak(f"{minutes:g} min of aborts", folder, loads)


def _soak(name: str, folder: Path, loads: Sequence[LoadProfile]) -> Soak:
    cores = Cores.split()
    with _gateway(folder, cores) as (backend, running):
        snapshots, figures = [_settled(running, backend, None)], []
        for number, load in enumerate(loads, 1):
            figures.append(run_load(running.port, load, cores.rest))
            snapshots.append(_settled(running, backend, snapshots[0]))
            _report(name, number, len(loads), figures[-1], snapshots[-1])
    return Soak(name=name, figures=figures, snapshots=snapshots)


@contextmanager
def _gateway(folder: Path, cores: Cores) -> Iterator[tuple[RunningProcess, RunningProcess]]:
    """Start the stub and a gateway in front of it."""
    with stub(folder, cores) as backend:
        setup = ProxySetup(folder=folder, port=free_port(), upstream=backend.port)
        with proxy("gateway", setup, cores) as running:
            yield backend, running


def _settled(running: RunningProcess, backend: RunningProcess, first: Snapshot | None) -> Snapshot:
    """Return a snapshot once the gateway is at rest, or after 20 s; its calls here make it drop idle connections."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        time.sleep(AGAIN_S)
        if send(running.port, PROBE)[0] != 200:
            raise ToolsError("the gateway no longer responds")
        snapshot = _snapshot(running, backend)
        if first is None or time.monotonic() > deadline or _is_at_rest(snapshot, first):
            return snapshot


def _snapshot(running: RunningProcess, backend: RunningProcess) -> Snapshot:
    calls = sum(float(value) for value in CALLS.findall(send(running.port, METRICS)[1]))
    return Snapshot(
        rss_mib=running.rss_mib(), descriptors=running.descriptors(), upstream=backend.descriptors(), calls=calls
    )


def _is_at_rest(snapshot: Snapshot, first: Snapshot) -> bool:
    few = snapshot.descriptors <= first.descriptors + SPARE and snapshot.upstream <= first.upstream + SPARE
    return few and snapshot.calls == 0


def _report(name: str, number: int, of: int, figures: LoadTestResult, snapshot: Snapshot) -> None:
    first = f" (first: {figures.first_error})" if figures.errors else ""
    say(
        f"{name}, {number} of {of}: {figures.all} responses, {figures.aborted} aborted, "
        f"{figures.errors} errors{first}; "
        f"{snapshot.rss_mib:.1f} MiB, {snapshot.descriptors} open files, {snapshot.calls:g} calls"
    )
