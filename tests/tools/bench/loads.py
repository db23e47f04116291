"""What tests of the benchmark share: the cores that they measure on, and a small load."""

from dataclasses import replace

from tools.bench.load import Load
from tools.bench.machine import Cores

CORES = Cores.shared()


def load(**options: object) -> Load:
    return replace(Load(connections=4, requests=200, seconds=0, warmup_s=0), **options)  # type: ignore[arg-type]
