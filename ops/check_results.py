"""What a look at a cluster has found: one line each, with what is to be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.markup import escape
from rich.table import Table

State = Literal["ok", "warning", "unknown", "failure"]
COLOURS: dict[State, str] = {"ok": "green", "warning": "yellow", "unknown": "yellow", "failure": "red"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. *says*: what was found; *do*: what to do about it, empty where it is well."""

    name: str
    state: State
    says: str
    do: str = ""


def failed(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state == "failure"]


def table(findings: Sequence[Finding], title: str) -> Table:
    """For a person."""
    shown = Table(title=escape(title), title_justify="left")
    for column in ("Check", "", "Found", "What to do"):
        shown.add_column(column, overflow="fold")  # what to do is of no use cut short
    for found in findings:
        state = f"[{COLOURS[found.state]}]{found.state}[/]"
        shown.add_row(escape(found.name), state, escape(found.says), escape(found.do))
    return shown


def document(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """For a program."""
    return [{"check": each.name, "state": each.state, "found": each.says, "do": each.do} for each in findings]
