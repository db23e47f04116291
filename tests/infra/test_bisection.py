"""The largest number that fits: at both ends, and in steps."""

import pytest

from infra.bisection import largest


@pytest.mark.parametrize(
    ("limit", "step", "edge", "result"),
    [
        (100, 1, 37, 37),
        (100, 1, 0, 0),
        (100, 1, 1000, 100),
        (100, 8, 37, 32),
        (100, 8, 1000, 96),
        (7, 8, 1000, 0),
        (0, 1, 1000, 0),
    ],
)
def test_it_is_the_last_number_below_the_edge(limit: int, step: int, edge: int, result: int) -> None:
    assert largest(limit, lambda number: number <= edge, step) == result
