"""Bounds: a figure, and beside it the limit that it must keep.

The figure `word_error_rate` has its limit in `word_error_rate_at_most`; both are shown as `0.08 (at most 0.15)`.
"""

from typing import Final

from ops.errors import WrongAnswerError
from ops.smoke.check import Figures

AT_MOST: Final = "_at_most"
AT_LEAST: Final = "_at_least"
BOUNDS: Final = (AT_MOST, AT_LEAST)
UNITS: Final = {"ms": "ms", "s": "s", "hz": "Hz", "db": "dB"}
PLACES: Final = 3
"""Decimal places of a figure."""


def at_most(name: str, value: float, bound: float, context: str) -> Figures:
    """Return the figure and its bound. Raises WrongAnswerError with *context* for a larger value."""
    figures = {name: round(value, PLACES), name + AT_MOST: round(bound, PLACES)}
    if not value <= bound:  # also for NaN, which no comparison holds for
        raise WrongAnswerError(f"{shown(name, figures)}: {context}")
    return figures


def at_least(name: str, value: float, bound: float, context: str) -> Figures:
    """Return the figure and its bound. Raises WrongAnswerError with *context* for a smaller value."""
    figures = {name: round(value, PLACES), name + AT_LEAST: round(bound, PLACES)}
    if not value >= bound:
        raise WrongAnswerError(f"{shown(name, figures)}: {context}")
    return figures


def shown(name: str, figures: Figures) -> str:
    """Return `first token 12 ms` for `first_token_ms`, and `noise down 9 dB (at least 6 dB)` for one with a bound."""
    words, _, end = name.rpartition("_")
    unit = f" {UNITS[end]}" if end in UNITS else ""
    label = (words if unit else name).replace("_", " ")
    limits = {bound: figures[name + bound] for bound in BOUNDS if name + bound in figures}
    texts = (f" ({bound.strip('_').replace('_', ' ')} {limit}{unit})" for bound, limit in limits.items())
    return f"{label} {figures[name]}{unit}{''.join(texts)}"


def all_shown(figures: Figures) -> str:
    """Return every figure, each with its bound."""
    return ", ".join(shown(name, figures) for name in figures if not name.endswith(BOUNDS))
