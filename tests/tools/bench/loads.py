"""Cores and a small load for tests of the benchmark."""

from dataclasses import replace

from tools.bench.load import LoadProfile
from tools.bench.machine import Cores

CORES = Cores.shared()


def load(**options: object) -> LoadProfile:
    return replace(LoadProfile(connections=4, requests=200, seconds=0, warmup_s=0), **options)  # type: ignore[arg-type]
