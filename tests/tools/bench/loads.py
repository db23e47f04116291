"""What tests of the benchmark share: the cores that they measure on, and a small load."""

from dataclasses import replace

from tools.bench.load import LoadProfile
from tools.bench.machine import Cores

CORES = Cores.shared()


def load(**options: object) -> LoadProfile:
    return replace(LoadProfile(connections=4, requests=200, seconds=0, warmup_s=0), **options)  # type: ignore[arg-type]
