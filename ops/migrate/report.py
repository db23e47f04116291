"""Report of a migration: text and tables for people, one JSON document for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from infra.plan.migration import MigrationPlan
from ops import check_results
from ops.check_results import CheckResult
from ops.migrate.record import STATE_WORDS, MigrationRecord
from ops.migrate.runner import StepEvent
from ops.migrate.steps import MigrationStep

WORDS = {"started": "...", "ended": "done", "skipped": "unchanged", "failed": "failed"}


def line(event: StepEvent) -> str:
    """Return the line about the progress of a step."""
    seconds = f" ({event.seconds:.1f} s)" if event.state in {"ended", "failed"} else ""
    fault = f": {event.fault}" if event.fault else ""
    return f"{event.step.name}: {WORDS[event.state]}{seconds}{fault}"


def plan_table(steps: Sequence[tuple[MigrationStep, bool]], title: str) -> Table:
    table = Table("Step", "Effect", "", title=title, title_justify="left")
    for step, is_done in steps:
        table.add_row(step.name, step.description, Text("done", style="green") if is_done else "to do")
    return table


def summary(move: MigrationPlan, record: MigrationRecord) -> str:
    """Return the state of the consumer, and the next command."""
    own = move.migration.own
    lines = [f"{move.name} is {STATE_WORDS[record.state]}" + (f": {record.fault}" if record.fault else "")]
    if record.state == "moved":
        lines[0] = f"{move.name} is moved: it has called {move.service.service_name} since {_text(record.moved)}"
    if own and record.deleted:
        lines.append(f"its own {own.deployment} is deleted")
    elif own and record.stopped:
        lines.append(f"its own {own.deployment} was stopped at {_text(record.stopped)}: set holdsGpu: false")
    elif own and record.state == "moved":
        lines.append(f"next: --decommission, after {own.quiet_hours:g} h without a request to {own.deployment}")
    return "\n".join(lines)


def document(
    move: MigrationPlan,
    record: MigrationRecord | None,
    steps: Sequence[tuple[MigrationStep, bool]],
    results: Sequence[CheckResult],
) -> dict[str, Any]:
    """Return the JSON document; its times are ISO 8601, in UTC."""
    fields = {"state", "target", "number", "moved", "stopped", "deleted", "fault"}
    state = record.model_dump(mode="json", include=fields) if record else {"state": None}
    times = {name: each.model_dump(mode="json") for name, each in record.steps.items()} if record else {}
    return {
        "consumer": move.name,
        "namespace": move.consumer.namespace,
        "service": move.service.service_name,
        **state,
        "steps": [{"step": step.name, "does": step.description, "isSo": is_done} for step, is_done in steps],
        "took": times,
        "findings": check_results.document(results),
    }


def _text(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else "now"
