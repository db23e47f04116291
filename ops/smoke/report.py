"""What came of a smoke test, for people as a table, for programs as one document."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from ops.smoke.run import Result

COLUMNS: Final = ("Check", "Model", "Came back", "Latency", "")
UNITS: Final = {"ms": "ms", "s": "s", "hz": "Hz", "db": "dB"}
Logs = Mapping[str, Sequence[str]]
"""Pod -> what it said last."""


def table(results: Sequence[Result], title: str) -> Table:
    shown = Table(*COLUMNS, title=escape(title), title_justify="left")
    for result in results:
        verdict = "[green]pass[/]" if result.passed else "[red]FAIL[/]"
        asked = result.question.check.name, result.question.model or ""
        shown.add_row(*map(escape, (*asked, told(result), f"{result.seconds * 1000:.0f} ms")), verdict)
    return shown


def told(result: Result) -> str:
    return result.fault or ", ".join(_figure(name, value) for name, value in result.figures.items())


def document(results: Sequence[Result], address: str, left_out: Mapping[str, str], logs: Logs) -> dict[str, Any]:
    return {
        "url": address,
        "passed": all(result.passed for result in results),
        "checks": [_entry(result) for result in results],
        "leftOut": dict(left_out),
        "logs": {pod: list(lines) for pod, lines in logs.items()},
    }


def _entry(result: Result) -> dict[str, Any]:
    question = result.question
    return {
        "check": question.check.name,
        "model": question.model,
        "services": [service.service_name for service in question.services],
        "passed": result.passed,
        "seconds": round(result.seconds, 4),
        "fault": result.fault,
        "figures": dict(result.figures),
    }


def _figure(name: str, value: object) -> str:
    """`first_token_ms`, 12 -> `first token 12 ms`."""
    words, _, unit = name.rpartition("_")
    if unit in UNITS:
        return f"{words.replace('_', ' ')} {value} {UNITS[unit]}"
    return f"{name.replace('_', ' ')} {value}"
