"""Runner of steps: it skips a step that the cluster has already, and records each one before and after it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from kubernetes import client

from ops.cluster.api_errors import error_text
from ops.migrate.errors import StepError
from ops.migrate.record import MigrationRecord, MigrationRecords, StepTimes, now
from ops.migrate.steps import MigrationStep

StepState = Literal["started", "ended", "skipped", "failed"]


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """A change of the state of a step, and the *seconds* that the step took."""

    step: MigrationStep
    state: StepState
    seconds: float = 0.0
    fault: str | None = None


Report = Callable[[StepEvent], None]


def run_steps(
    steps: Iterable[MigrationStep], record: MigrationRecord, records: MigrationRecords, report: Report
) -> None:
    """Run every step that is not done yet. Raises StepError for the first that fails, and ConcurrentRunError."""
    for step in steps:
        if step.is_done():
            report(StepEvent(step=step, state="skipped"))
        else:
            _run(step, record, records, report)


def _run(step: MigrationStep, record: MigrationRecord, records: MigrationRecords, report: Report) -> None:
    start = time.monotonic()
    record.steps[step.name] = StepTimes(began=now())
    records.write(record)
    report(StepEvent(step=step, state="started"))
    try:
        step.do()
    except (StepError, client.ApiException) as error:
        fault = _describe(error)
        report(StepEvent(step=step, state="failed", seconds=time.monotonic() - start, fault=fault))
        raise StepError(f"{step.name}: {fault}") from error
    report(StepEvent(step=step, state="ended", seconds=time.monotonic() - start))
    record.steps[step.name].ended = now()
    records.write(record)


def _describe(error: Exception) -> str:
    if isinstance(error, client.ApiException):
        return f"the API server answers {error_text(error)}"
    return str(error)
