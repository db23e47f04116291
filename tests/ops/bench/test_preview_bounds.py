"""Bounds of the preview's benchmark: a ratio, and seconds beyond the empty program's preview."""

import pytest

from ops.bench.preview import EMPTY, MAX_ADDED_S, MAX_RATIO, is_met


@pytest.mark.parametrize(
    ("empty", "whole", "is_kept"),
    [
        (1.0, MAX_RATIO, True),
        (1.0, MAX_RATIO + 0.01, False),
        (5.0, 5.0 + MAX_ADDED_S, True),
        (5.0, 5.1 + MAX_ADDED_S, False),  # a small ratio, since Pulumi itself starts slowly
    ],
)
def test_both_bounds_are_kept(empty: float, whole: float, *, is_kept: bool) -> None:
    assert is_met({EMPTY: empty, "preview of forge": whole}, "forge") is is_kept
