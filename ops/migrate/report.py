"""What came of a move: for a person as a table, for a program as one document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from infra.plan.migration import Move
from ops import check_results
from ops.check_results import CheckResult
from ops.migrate.record import Record
from ops.migrate.runner import Event
from ops.migrate.steps import Step

WORDS = {"begins": "...", "ended": "done", "was there": "was so already", "failed": "failed"}


def line(event: Event) -> str:
    """One step as it goes."""
    took = f" ({event.seconds:.1f} s)" if event.what in {"ended", "failed"} else ""
    fault = f": {event.fault}" if event.fault else ""
    return f"{event.step.name}: {WORDS[event.what]}{took}{fault}"


def plan_table(steps: Sequence[tuple[Step, bool]], title: str) -> Table:
    shown = Table("Step", "Does", "", title=escape(title), title_justify="left")
    for step, done in steps:
        shown.add_row(escape(step.name), escape(step.says), "[green]is so[/]" if done else "to do")
    return shown


def told(move: Move, record: Record) -> str:
    """How the consumer stands, and what is next."""
    own = move.migration.own
    lines = [f"{move.name} is {record.state}" + (f": {record.fault}" if record.fault else "")]
    if record.state == "moved":
        lines[0] = f"{move.name} calls {move.service.service_name} since {_text(record.moved)}"
    if own and record.deleted:
        lines.append(f"its own {own.deployment} is deleted")
    elif own and record.stopped:
        lines.append(f"its own {own.deployment} is stopped since {_text(record.stopped)}: holdsGpu may be false")
    elif own and record.state == "moved":
        lines.append(f"next: when nobody has called {own.deployment} for {own.quiet_hours:g} h, --decommission")
    return "\n".join(lines)


def document(
    move: Move, record: Record | None, steps: Sequence[tuple[Step, bool]], found: Sequence[CheckResult]
) -> dict[str, Any]:
    """Times are ISO 8601, in UTC."""
    shown = {"state", "target", "number", "moved", "stopped", "deleted", "fault"}
    state = record.model_dump(mode="json", include=shown) if record else {"state": None}
    took = {name: each.model_dump(mode="json") for name, each in record.steps.items()} if record else {}
    return {
        "consumer": move.name,
        "namespace": move.consumer.namespace,
        "service": move.service.service_name,
        **state,
        "steps": [{"step": step.name, "does": step.says, "isSo": done} for step, done in steps],
        "took": took,
        "findings": check_results.document(found),
    }


def _text(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "now"
