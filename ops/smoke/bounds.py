"""Bounds: a figure, and beside it the limit that it must keep.

The figure `word_error_rate` has its limit in `word_error_rate_at_most`; the report shows both as `0.08 (at most 0.15)`.
"""

from typing import Final

from ops.errors import WrongAnswerError
from ops.smoke.check import Figures

AT_MOST: Final = "_at_most"
AT_LEAST: Final = "_at_least"
DIGITS: Final = 3
"""Decimal places of a figure."""


def at_most(name: str, value: float, bound: float, context: str) -> Figures:
    """Return the figure and its bound. Raises WrongAnswerError with *context* for a larger value, or none."""
    return _within(name, value, bound, context, AT_MOST, value <= bound)


def at_least(name: str, value: float, bound: float, context: str) -> Figures:
    """Return the figure and its bound. Raises WrongAnswerError with *context* for a smaller value, or none."""
    return _within(name, value, bound, context, AT_LEAST, value >= bound)


def _within(name: str, value: float, bound: float, context: str, suffix: str, is_within: bool) -> Figures:  # noqa: FBT001, PLR0913, PLR0917 - one place for both bounds
    figure, limit = round(value, DIGITS), round(bound, DIGITS)
    if not is_within:  # also for NaN, which no comparison holds for
        words = suffix.replace("_", " ")
        raise WrongAnswerError(f"{name.replace('_', ' ')} {figure:g},{words} {limit:g} expected: {context}")
    return {name: figure, f"{name}{suffix}": limit}
