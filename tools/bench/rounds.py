"""Measure every subject in each round, in shuffled order, one proxy at a time."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from tools.bench.load import LoadProfile, LoadTestResult, chat, run_load
from tools.bench.machine import Cores, foreign_share
from tools.bench.process import RunningProcess, free_port
from tools.bench.subjects import DIRECT, ProxySetup, proxy, stub
from tools.progress import say

LOADS: Mapping[str, LoadProfile] = {
    "one": LoadProfile(connections=1),
    "json": LoadProfile(),
    "stream": LoadProfile(body=chat(is_stream=True), is_stream=True),
    "paced": LoadProfile(body=chat(is_stream=True, wait_ms=10), is_stream=True, connections=100, warmup_s=1),
    "crowd": LoadProfile(connections=500, rate=2000, warmup_s=1),
    "flood": LoadProfile(connections=500, warmup_s=1),
}
"""`crowd` sends 2000 requests per second over 500 connections, `flood` as many as get responses."""
SKIPPED_LOADS: Mapping[str, frozenset[str]] = {"litellm": frozenset({"crowd", "flood"})}
"""Loads that are left out for a subject: it would respond many seconds late."""
DURATION_FACTORS: Mapping[str, float] = {"litellm": 3}
"""Factor on the duration for a slow subject, so that some of its streams complete."""
SCALING_LOADS = ("json", "stream")
OVERLOAD: Final = "overload"
SERVICE_MS = 20
BACKEND_LIMITS: Mapping[str, int] = {"concurrency": 16, "queue": 16}
"""Limits of the gateway's backend under overload, each response of which takes SERVICE_MS."""
BACKEND_CAPACITY = BACKEND_LIMITS["concurrency"] + BACKEND_LIMITS["queue"]
OVERLOAD_CONNECTIONS = 400
MICRO = 1e6
MAX_FOREIGN_SHARE = 0.1
"""Share of all cores that other processes may use before a sample is repeated."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One load on one subject. *cpu_s* is of the proxy, *foreign* the share of all cores that other processes used."""

    figures: LoadTestResult
    cpu_s: float = 0.0
    foreign: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Microseconds of the proxy's CPU per request."""
        return self.cpu_s * MICRO / max(1, self.figures.all)

    @property
    def event_cpu_us(self) -> float:
        """Microseconds of the proxy's CPU per event of a stream."""
        return self.cpu_s * MICRO / max(1, self.figures.all_events)


@dataclass(frozen=True, kw_only=True)
class SubjectResult:
    """Results of one subject in one round. Memory in MiB, of the largest process."""

    loads: Mapping[str, Sample]
    cold_s: float = 0.0
    rss_idle_mib: float = 0.0
    rss_mib: float = 0.0


Round = Mapping[str, SubjectResult]


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """Settings of a measurement."""

    folder: Path
    subjects: tuple[str, ...]
    rounds: int = 3
    seconds: float = 3
    retries: int = 2  # of a sample that other processes disturbed; the least disturbed is kept
    curve: tuple[int, ...] = (1, 2)  # workers
    shuffle: random.Random = field(default_factory=random.Random)

    def loads(self, subject: str) -> dict[str, LoadProfile]:
        skipped, seconds = SKIPPED_LOADS.get(subject, frozenset()), self.seconds * DURATION_FACTORS.get(subject, 1)
        return {name: replace(load, seconds=seconds) for name, load in LOADS.items() if name not in skipped}


def measure(setup: BenchmarkSettings) -> Iterator[Round]:
    """Yield the results of each round by subject; `gateway x2` and the like are the curve of workers."""
    with stub(setup.folder, Cores.split()) as backend:
        for number in range(1, setup.rounds + 1):
            runs = list(_runs(setup, backend).items())
            setup.shuffle.shuffle(runs)
            results: dict[str, SubjectResult] = {}
            for name, run in runs:
                say(f"round {number} of {setup.rounds}: {name} ...")
                results[name] = run()
            yield results


def _runs(setup: BenchmarkSettings, backend: RunningProcess) -> dict[str, Callable[[], SubjectResult]]:
    runs: dict[str, Callable[[], SubjectResult]] = {
        name: partial(_direct if name == DIRECT else _alone, setup, backend, name) for name in setup.subjects
    }
    for name in {"gateway", "nginx"}.intersection(setup.subjects):
        for workers in setup.curve:
            runs[f"{name} x{workers}"] = partial(_together, setup, backend, name, workers)
    if "gateway" in setup.subjects:
        runs[OVERLOAD] = partial(_overload, setup, backend)
    return runs


def _direct(setup: BenchmarkSettings, backend: RunningProcess, name: str) -> SubjectResult:
    return SubjectResult(loads=_samples(setup, setup.loads(name), backend, backend, Cores.split()))


def _alone(setup: BenchmarkSettings, backend: RunningProcess, name: str) -> SubjectResult:
    """Measure one worker on its own core."""
    cores = Cores.split()
    with proxy(name, _setup_of(setup, backend, name), cores) as running:
        idle_mib = running.rss_mib()
        samples = _samples(setup, setup.loads(name), running, backend, cores)
        return SubjectResult(loads=samples, cold_s=running.cold_s, rss_idle_mib=idle_mib, rss_mib=running.rss_mib())


def _together(setup: BenchmarkSettings, backend: RunningProcess, name: str, workers: int) -> SubjectResult:
    """Measure several workers on all cores, shared with the stub and the load client."""
    cores = Cores.shared()
    loads = {key: load for key, load in setup.loads(name).items() if key in SCALING_LOADS}
    with proxy(name, _setup_of(setup, backend, f"{name}-{workers}", workers=workers), cores) as running:
        return SubjectResult(loads=_samples(setup, loads, running, backend, cores))


def _overload(setup: BenchmarkSettings, backend: RunningProcess) -> SubjectResult:
    """Measure the peak rate within the backend's limits, then send twice that rate."""
    cores, body = Cores.split(), chat(wait_ms=SERVICE_MS)
    with proxy("gateway", _setup_of(setup, backend, OVERLOAD, backend_bounds=BACKEND_LIMITS), cores) as running:
        peak = LoadProfile(body=body, connections=BACKEND_CAPACITY, seconds=setup.seconds)
        first = _least_disturbed(setup, peak, running, backend, cores)
        twice = replace(peak, connections=OVERLOAD_CONNECTIONS, rate=2 * first.figures.per_s)
        return SubjectResult(loads={"peak": first, "twice": _least_disturbed(setup, twice, running, backend, cores)})


def _setup_of(
    setup: BenchmarkSettings,
    backend: RunningProcess,
    folder: str,
    *,
    workers: int = 1,
    backend_bounds: Mapping[str, int] | None = None,
) -> ProxySetup:
    return ProxySetup(
        folder=setup.folder / folder,
        port=free_port(),
        upstream=backend.port,
        workers=workers,
        backend=backend_bounds or {},
    )


def _samples(
    setup: BenchmarkSettings,
    loads: Mapping[str, LoadProfile],
    running: RunningProcess,
    backend: RunningProcess,
    cores: Cores,
) -> dict[str, Sample]:
    return {name: _least_disturbed(setup, load, running, backend, cores) for name, load in loads.items()}


def _least_disturbed(
    setup: BenchmarkSettings, load: LoadProfile, running: RunningProcess, backend: RunningProcess, cores: Cores
) -> Sample:
    """Return an undisturbed sample, or the least disturbed of several."""
    samples = []
    for _ in range(setup.retries + 1):
        samples.append(sample(load, running, backend, cores))
        if samples[-1].foreign <= MAX_FOREIGN_SHARE:
            break
    return min(samples, key=lambda each: each.foreign)


def sample(load: LoadProfile, running: RunningProcess, backend: RunningProcess, cores: Cores) -> Sample:
    """Run *load* against *running*, which may be the stub itself."""
    parts = {part.pid: part for part in (running, backend)}.values()
    share, before_s = foreign_share(lambda: sum(part.cpu_s() for part in parts)), running.cpu_s()
    figures = run_load(running.port, load, cores.rest)
    return Sample(figures=figures, cpu_s=running.cpu_s() - before_s, foreign=share())
