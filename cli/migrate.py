"""`synapse migrate`: move a consumer from its own Ollama to the shared service, with a way back."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from kubernetes import client
from rich.console import Console
from urllib3.exceptions import HTTPError

from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.migration import Move, move_of
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.check_results import CheckResult, failed, table
from ops.cluster.api_errors import error_text
from ops.cluster.connection import connect
from ops.cluster.target import at_phase, existing_cluster
from ops.migrate import report
from ops.migrate.errors import MigrationError
from ops.migrate.migration import Mover
from ops.migrate.objects import Objects
from ops.migrate.record import Record, Records
from ops.migrate.runner import Event, Tell
from ops.migrate.server_client import Servers
from ops.migrate.steps import Step
from tools.progress import say

Name = Annotated[str, typer.Argument(help="A key of synapse:consumers, with `migration.by: command`.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look, and show what would be done; change nothing.")]
Rollback = Annotated[bool, typer.Option("--rollback", help="Give the consumer its old values back.")]
Decommission = Annotated[
    bool, typer.Option("--decommission", help="Stop its own server, once nobody has called it for quietHours.")
]
Delete = Annotated[
    bool, typer.Option("--delete", help="Delete its own server, once it has been stopped for quietHours.")
]
Url = Annotated[
    str | None, typer.Option("--url", help="Where the service is asked from here; a port of its pod if left out.")
]
OwnUrl = Annotated[
    str | None, typer.Option("--own-url", help="Where its own server is asked; a port of its pod if left out.")
]
Key = Annotated[str | None, typer.Option("--key", envvar="SYNAPSE_API_KEY", help="An API key for a gateway.")]


def migrate(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Name,
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    dry_run: DryRun = False,
    rollback: Rollback = False,
    decommission: Decommission = False,
    delete: Delete = False,
    url: Url = None,
    own_url: OwnUrl = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Move a consumer, or go on where an earlier run was ended.

    Exit code 0: done, or done already. 1: it could not be begun or gone on with. 3: a step failed, and the old values
    hold again. 4: too early for --decommission or --delete.
    """
    if sum((dry_run, rollback, decommission, delete)) > 1:
        raise typer.BadParameter("accepted: one of --dry-run, --rollback, --decommission and --delete")
    settings = at_phase(load(stack), phase)
    move, target = move_of(plan(settings), name), existing_cluster(stack, kubeconfig)
    where = {"context": settings.context, "url": url, "own_url": own_url, "key": key}
    with _answered(), mover_of(move, target, _say, **where) as mover:
        if dry_run:
            raise typer.Exit(0 if _shown(mover, as_json) else 1)
        ways: dict[bool, Callable[[], Record]] = {rollback: mover.back, decommission: mover.stop, delete: mover.delete}
        record = ways.get(True, mover.forward)()
        _tell(mover, record, as_json)


@contextmanager
def mover_of(  # noqa: PLR0913 - where each is reached
    move: Move,
    kubeconfig: Path,
    tell: Tell,
    *,
    context: str | None = None,
    url: str | None = None,
    own_url: str | None = None,
    key: str | None = None,
) -> Iterator[Mover]:
    """A mover on the cluster of *kubeconfig*. Raises UnreachableError without such a *context*."""
    servers = Servers(move=move, kubeconfig=kubeconfig, context=context, url=url, own_url=own_url, key=key)
    with connect(kubeconfig, context) as api:
        objects = Objects(api, move.consumer.namespace)
        records = Records(objects.core, move.namespace, move.name)
        yield Mover(move=move, objects=objects, records=records, servers=servers, tell=tell)


def _say(event: Event) -> None:
    say(report.line(event))


@contextmanager
def _answered() -> Iterator[None]:
    """Every way that it can fail is one message, and an exit code."""
    try:
        yield
    except MigrationError as error:
        typer.echo(f"synapse: {error}", err=True)
        raise typer.Exit(error.code) from error
    except (client.ApiException, HTTPError) as error:
        typer.echo(
            f"synapse: the cluster failed ({error_text(error)}); run the same command again: it continues",
            err=True,
        )
        raise typer.Exit(1) from error


def _shown(mover: Mover, as_json: bool) -> bool:
    """Whether nothing stands in the way."""
    found = mover.preflight()
    steps = [] if failed(found) else mover.plan()
    if as_json:
        typer.echo(json.dumps(report.document(mover.move, mover.records.read(), steps, found), indent=2))
    else:
        _show(mover, found, steps)
    return not failed(found)


def _show(mover: Mover, found: list[CheckResult], steps: list[tuple[Step, bool]]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(table(found, f"{mover.move.name}, before it is moved"))
    if steps:
        console.print(report.plan_table(steps, "What would be done; nothing was changed"))
    if record := mover.records.read():
        console.print(report.told(mover.move, record), markup=False)


def _tell(mover: Mover, record: Record, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.document(mover.move, record, [], []), indent=2))
    else:
        typer.echo(report.told(mover.move, record))
