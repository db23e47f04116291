"""One run over steps: each is skipped where the cluster has it already, and recorded before and after it is done."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from kubernetes import client

from ops.cluster.api_errors import error_text
from ops.migrate.errors import StepError
from ops.migrate.record import Record, Records, Took, now
from ops.migrate.steps import Step

What = Literal["begins", "ended", "was there", "failed"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What became of a step; *seconds* that it took."""

    step: Step
    what: What
    seconds: float = 0.0
    fault: str | None = None


Tell = Callable[[Event], None]


def walk(steps: Iterable[Step], record: Record, records: Records, tell: Tell) -> None:
    """Do what is not done yet. Raises StepError for the first that fails, and TakenOverError."""
    for step in steps:
        if step.is_done():
            tell(Event(step=step, what="was there"))
        else:
            _do(step, record, records, tell)


def _do(step: Step, record: Record, records: Records, tell: Tell) -> None:
    began = time.monotonic()
    record.steps[step.name] = Took(began=now())
    records.write(record)
    tell(Event(step=step, what="begins"))
    try:
        step.do()
    except (StepError, client.ApiException) as error:
        said = _said(error)
        tell(Event(step=step, what="failed", seconds=time.monotonic() - began, fault=said))
        raise StepError(f"{step.name}: {said}") from error
    tell(Event(step=step, what="ended", seconds=time.monotonic() - began))
    record.steps[step.name].ended = now()
    records.write(record)


def _said(error: Exception) -> str:
    if isinstance(error, client.ApiException):
        return f"the API server answers {error_text(error)}"
    return str(error)
