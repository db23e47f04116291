"""An alert as data: what is watched, from when on it is worth a person's time, and what it is about."""

from dataclasses import dataclass
from typing import Literal

SERVICE = "<service>"
"""In an expression: the name of each service in question; without it there is one rule for all of them."""
PROBED, SCRAPED, RESTARTED = "probed", "scraped", "restarted"
"""In place of a kind: every service that is watched in that way, less the kinds with an alert of their own, or that
is restarted by the clock."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert. *source* exposes its metrics, and *about* is the kind in question, if that is another.

    *minutes* is how long the expression must hold.
    """

    name: str
    source: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    about: str = ""


def gone(metric: str, label: str, value: str = SERVICE) -> str:
    """Whether it says 0, or nothing: a series that is missing is equal to nothing, not to 0."""
    selector = f'{metric}{{{label}="{value}"}}'
    return f"{selector} == 0 or absent({selector})"
