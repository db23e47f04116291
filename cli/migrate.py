"""`synapse migrate`: move a consumer from its own Ollama to the shared service, with a rollback."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from kubernetes import client
from urllib3.exceptions import HTTPError

from cli import output
from cli.options import DEFAULT_STACK, AsJson, Kubeconfig, Phase, Stack
from infra.plan.migration import MigrationPlan, migration_plan
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.check_results import CheckResult, failed, table
from ops.cluster.api_errors import error_text
from ops.cluster.connection import connect
from ops.cluster.target import at_phase, existing_cluster
from ops.migrate import report as reports
from ops.migrate.errors import MigrationError
from ops.migrate.migration import MigrationRun
from ops.migrate.objects import Objects
from ops.migrate.record import MigrationRecord, MigrationRecords
from ops.migrate.runner import Report, StepEvent
from ops.migrate.server_client import MigrationServers
from ops.migrate.steps import MigrationStep
from tools.progress import say

Name = Annotated[str, typer.Argument(help="Consumer: a key of synapse:consumers with `migration.by: command`.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Run the pre-flight checks and list the steps; change nothing.")
]
Rollback = Annotated[bool, typer.Option("--rollback", help="Restore the consumer's old values.")]
Decommission = Annotated[
    bool,
    typer.Option("--decommission", help="Stop the consumer's own server, after quietHours without a request to it."),
]
Delete = Annotated[
    bool, typer.Option("--delete", help="Delete the consumer's own server, when it has been stopped for quietHours.")
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the service from this machine; default: a port-forward to its pod."),
]
OwnUrl = Annotated[
    str | None,
    typer.Option(
        "--own-url",
        help="Address of the consumer's own server from this machine; default: a port-forward to its pod.",
    ),
]
Key = Annotated[
    str | None, typer.Option("--key", envvar="SYNAPSE_API_KEY", help="API key, if the service is a gateway with keys.")
]


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
    """Move a consumer, or continue an interrupted run.

    Exit codes: 0 done; 1 not started, or not continued; 3 a step failed, and the old values are restored; 4 too early
    for --decommission or --delete.
    """
    if sum((dry_run, rollback, decommission, delete)) > 1:
        raise typer.BadParameter("got several; accepted: one of --dry-run, --rollback, --decommission and --delete")
    settings = at_phase(load(stack), phase)
    move, target = migration_plan(plan(settings), name), existing_cluster(stack, kubeconfig)
    connection = {"context": settings.context, "url": url, "own_url": own_url, "key": key}
    with _errors(), migration_run(move, target, _print_event, **connection) as run:
        if dry_run:
            raise typer.Exit(0 if _preview(run, as_json) else 1)
        operations: dict[bool, Callable[[], MigrationRecord]] = {
            rollback: run.roll_back,
            decommission: run.decommission,
            delete: run.delete,
        }
        record = operations.get(True, run.forward)()
        _print(run, record, as_json)


@contextmanager
def migration_run(  # noqa: PLR0913 - the addresses of both servers
    move: MigrationPlan,
    kubeconfig: Path,
    report: Report,
    *,
    context: str | None = None,
    url: str | None = None,
    own_url: str | None = None,
    key: str | None = None,
) -> Iterator[MigrationRun]:
    """Yield a run on the cluster of *kubeconfig*. Raises UnreachableError without such a *context*."""
    servers = MigrationServers(move=move, kubeconfig=kubeconfig, context=context, url=url, own_url=own_url, key=key)
    with connect(kubeconfig, context) as api:
        objects = Objects(api, move.consumer.namespace)
        records = MigrationRecords(objects.core, move.namespace, move.name)
        yield MigrationRun(move=move, objects=objects, records=records, servers=servers, report=report)


def _print_event(event: StepEvent) -> None:
    say(reports.line(event))


@contextmanager
def _errors() -> Iterator[None]:
    """Turn each error into one message and an exit code."""
    try:
        yield
    except MigrationError as error:
        typer.echo(f"synapse: {error}", err=True)
        raise typer.Exit(error.code) from error
    except (client.ApiException, HTTPError) as error:
        typer.echo(
            f"synapse: the request to the cluster failed ({error_text(error)}); run the same command again: "
            "it continues there",
            err=True,
        )
        raise typer.Exit(1) from error


def _preview(run: MigrationRun, as_json: bool) -> bool:
    """Print the checks and the steps; return True if all checks passed."""
    results = run.preflight()
    steps = [] if failed(results) else run.plan()
    if as_json:
        typer.echo(json.dumps(reports.document(run.move, run.records.read(), steps, results), indent=2))
    else:
        _print_preview(run, results, steps)
    return not failed(results)


def _print_preview(run: MigrationRun, results: list[CheckResult], steps: list[tuple[MigrationStep, bool]]) -> None:
    output.show(table(results, f"Pre-flight checks of {run.move.name}"))
    if steps:
        output.show(reports.plan_table(steps, "Steps; nothing was changed"))
    if record := run.records.read():
        output.say(reports.summary(run.move, record))


def _print(run: MigrationRun, record: MigrationRecord, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(reports.document(run.move, record, [], []), indent=2))
    else:
        typer.echo(reports.summary(run.move, record))
