"""Run a migration in another process, and kill it at a given moment."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from cli.migrate import mover_of
from infra.plan.migration import move_of
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.migrate.errors import MigrationError
from ops.migrate.runner import Event
from tests.pulumi_engine.consumer import NAME

Moment = tuple[str, str]
"""A step and its event: `begins` is before the step, `ended` after it and before its record."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__, "tests.pulumi_engine.preload"])


@dataclass(frozen=True, kw_only=True)
class MigrationRun:
    """Arguments of a run; *method* is one of the migration runner."""

    kubeconfig: Path
    folder: Path
    url: str
    own_url: str
    method: str = "forward"


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
    def on_event(event: Event) -> None:
        if (event.step.name, event.what) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    planned = plan(load("mine", run.folder))
    try:
        with mover_of(move_of(planned, NAME), run.kubeconfig, on_event, url=run.url, own_url=run.own_url) as mover:
            getattr(mover, run.method)()
    except MigrationError as error:
        raise SystemExit(error.code) from error
