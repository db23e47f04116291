"""Run a migration in another process, and kill it at a given moment."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from cli.migrate import migration_run
from infra.plan.migration import migration_plan
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.migrate.errors import MigrationError
from ops.migrate.runner import StepEvent
from tests.pulumi_engine.consumer import NAME

Moment = tuple[str, str]
"""A step and its state: `started` is before it is done, `ended` before that is recorded."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__, "tests.pulumi_engine.preload"])


@dataclass(frozen=True, kw_only=True)
class MigrationRun:
    """*operation*: a method of MigrationRun."""

    kubeconfig: Path
    folder: Path
    url: str
    own_url: str
    operation: str = "forward"


def exit_code(run: MigrationRun, moment: Moment | None = None) -> int:
    """Run the migration and return its exit code; -9 if it was killed at *moment*."""
    process = SERVER.Process(target=_run, args=(run, moment))
    process.start()
    process.join()
    code: int | None = process.exitcode
    assert code is not None
    process.close()
    return code


def _run(run: MigrationRun, moment: Moment | None) -> None:
    def report(event: StepEvent) -> None:
        if (event.step.name, event.state) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    planned = plan(load("mine", run.folder))
    try:
        with migration_run(
            migration_plan(planned, NAME), run.kubeconfig, report, url=run.url, own_url=run.own_url
        ) as migration:
            getattr(migration, run.operation)()
    except MigrationError as error:
        raise SystemExit(error.code) from error
