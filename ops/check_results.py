"""Results of checks on a cluster: one line each, with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

State = Literal["ok", "warning", "unknown", "failure"]
COLOURS: dict[State, str] = {"ok": "green", "warning": "yellow", "unknown": "yellow", "failure": "red"}


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """Result of one check. *says*: the state in words; *do*: what to do about it, empty where it is ok."""

    name: str
    state: State
    says: str
    do: str = ""


def failed(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.state == "failure"]


def table(results: Sequence[CheckResult], title: str) -> Table:
    """Return the results as a table for a person."""
    rows = Table(title=title, title_justify="left")
    for column in ("Check", "", "Found", "What to do"):
        rows.add_column(column, overflow="fold")  # an instruction that is cut short is of no use
    for result in results:
        rows.add_row(result.name, Text(result.state, style=COLOURS[result.state]), result.says, result.do)
    return rows


def document(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Return the results as JSON for a program."""
    return [{"check": each.name, "state": each.state, "found": each.says, "do": each.do} for each in results]
