"""Stub backend of the benchmark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.bench.loads import CORES
from tools.bench.process import RunningProcess
from tools.bench.subjects import stub


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningProcess]:
    with stub(tmp_path, CORES) as process:
        yield process
