"""Alert rules as data: expression, duration, severity, and the services that they concern."""

from dataclasses import dataclass
from typing import Literal

SERVICE = "<service>"
"""Placeholder in an expression for the name of a service: one rule per service; without it one rule for all."""
PROBED, SCRAPED, RESTARTED = "probed", "scraped", "restarted"
"""Values of `about` in place of a kind: all probed or scraped services without a more specific alert, or all services
with a scheduled restart."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert rule. *source* exposes its metrics; *about* is the kind that it concerns, if that is another.

    *minutes*: how long the expression must be true before the alert fires.
    """

    name: str
    source: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    about: str = ""


def down(metric: str, label: str, value: str = SERVICE) -> str:
    """Return an expression that is true where a metric is 0 or missing; a missing series does not equal 0."""
    selector = f'{metric}{{{label}="{value}"}}'
    return f"{selector} == 0 or absent({selector})"
