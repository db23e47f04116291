"""Stage of the tests that need a gateway: a real one before fake engines."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ops.smoke.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as running:
        yield running


@pytest.fixture
def stage_with(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """`stage_with(SYNAPSE_API_KEYS="...")`: a stage whose gateway has these settings."""
    with ExitStack() as entered:
        yield lambda **environment: entered.enter_context(staged(tmp_path, **environment))
