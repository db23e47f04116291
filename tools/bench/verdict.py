"""Verdict on a target: a bound, the measured value, and whether the value meets it."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("Target", "bound", "measured", "")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A measured *value* that must be at most *bound*, or at least where *is_least*."""

    what: str
    value: float
    bound: float
    is_least: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.bound if self.is_least else self.value <= self.bound

    @property
    def row(self) -> tuple[str, ...]:
        """Row of a table with HEADINGS."""
        sign = ">=" if self.is_least else "<="
        bound, value = f"{sign} {_text(self.bound)}{self.unit}", f"{_text(self.value)}{self.unit}"
        return self.what, bound, value, "met" if self.is_met else "MISSED"


def _text(value: float) -> str:
    """Return three significant digits, or all digits of a large whole number."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def all_met(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.is_met for verdict in verdicts)
