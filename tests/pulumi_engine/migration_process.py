"""A run of a migration in a process of its own, which is killed at one exact moment."""

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
"""A step, and what becomes of it: `begins` is before it is done, `ended` before that is recorded."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__, "tests.pulumi_engine.preload"])


@dataclass(frozen=True, kw_only=True)
class MigrationRun:
    """*way*: a method of Mover."""

    kubeconfig: Path
    folder: Path
    url: str
    own_url: str
    way: str = "forward"


def ended(run: MigrationRun, moment: Moment | None = None) -> int:
    """The exit code of a run, as the command has it; -9 for one that was killed at *moment*."""
    process = SERVER.Process(target=_run, args=(run, moment))
    process.start()
    process.join()
    code: int | None = process.exitcode
    assert code is not None
    process.close()
    return code


def _run(run: MigrationRun, moment: Moment | None) -> None:
    def tell(event: Event) -> None:
        if (event.step.name, event.what) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    planned = plan(load("mine", run.folder))
    try:
        with mover_of(move_of(planned, NAME), run.kubeconfig, tell, url=run.url, own_url=run.own_url) as mover:
            getattr(mover, run.way)()
    except MigrationError as error:
        raise SystemExit(error.code) from error
