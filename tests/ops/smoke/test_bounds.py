"""Figures and their bounds, and how they are shown."""

import math

import pytest

from ops.errors import WrongAnswerError
from ops.smoke.bounds import all_shown, at_least, at_most


def test_a_figure_has_its_bound_beside_it() -> None:
    assert at_most("word_error_rate", 0.0833333, 0.15, "") == {
        "word_error_rate": 0.083,
        "word_error_rate_at_most": 0.15,
    }
    assert at_least("right", 5, 5, "") == {"right": 5, "right_at_least": 5}


def test_figures_are_shown_with_their_bounds() -> None:
    figures = {"voices": 3, **at_most("word_error_rate", 0.08, 0.15, ""), **at_least("noise_down_db", 9.5, 6.0, "")}
    assert all_shown(figures) == "voices 3, word error rate 0.08 (at most 0.15), noise down 9.5 dB (at least 6.0 dB)"


@pytest.mark.parametrize("value", [0.16, 1.36, math.nan])
def test_a_value_above_its_bound_is_refused(value: float) -> None:
    with pytest.raises(WrongAnswerError, match=r"word error rate \S+ \(at most 0.15\): heard nothing"):
        at_most("word_error_rate", value, 0.15, "heard nothing")


@pytest.mark.parametrize("value", [5.9, -1.0, math.nan])
def test_a_value_below_its_bound_is_refused(value: float) -> None:
    with pytest.raises(WrongAnswerError, match=r"noise down \S+ dB \(at least 6.0 dB\): noise"):
        at_least("noise_down_db", value, 6.0, "noise")
