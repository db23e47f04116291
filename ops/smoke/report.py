"""Report of a smoke test: a table for a person, one document for programs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from ops.smoke.bounds import all_shown
from ops.smoke.run import SmokeResult

COLUMNS: Final = ("Check", "Model", "Came back", "Latency", "")
Logs = Mapping[str, Sequence[str]]
"""Pod -> its last log lines."""


def table(results: Sequence[SmokeResult], title: str) -> Table:
    rows = Table(*COLUMNS, title=title, title_justify="left")
    for result in results:
        verdict = Text("pass", style="green") if result.passed else Text("FAIL", style="red")
        subject = result.case.check.name, result.case.model or ""
        rows.add_row(*subject, outcome(result), latency(result), verdict)
    return rows


def line(result: SmokeResult) -> str:
    """Return the result as one line."""
    parts = result.case.check.name, result.case.model, "pass" if result.passed else "FAIL", outcome(result)
    return ", ".join(filter(None, (*parts, latency(result))))


def latency(result: SmokeResult) -> str:
    return f"{result.seconds * 1000:.0f} ms"


def outcome(result: SmokeResult) -> str:
    """Return the reason of a failure, or the figures in words."""
    return result.fault or all_shown(result.figures)


def document(results: Sequence[SmokeResult], address: str, left_out: Mapping[str, str], logs: Logs) -> dict[str, Any]:
    """Return the results as JSON. *left_out*: check -> the reason why the stack does not get it."""
    return {
        "url": address,
        "passed": all(result.passed for result in results),
        "checks": [_entry(result) for result in results],
        "leftOut": dict(left_out),
        "logs": {pod: list(lines) for pod, lines in logs.items()},
    }


def _entry(result: SmokeResult) -> dict[str, Any]:
    return {
        "check": result.case.check.name,
        "model": result.case.model,
        "services": [service.service_name for service in result.case.services],
        "passed": result.passed,
        "seconds": round(result.seconds, 4),
        "fault": result.fault,
        "figures": dict(result.figures),
    }
