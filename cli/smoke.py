"""`synapse smoke`: ask the gateway everything that the stack can answer."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.options import AsJson, Kubeconfig, Phase, Stack
from infra.errors import RouteError
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.pods import pods
from ops.cluster.target import at_phase
from ops.errors import UnreachableError
from ops.gateway.connect import reached
from ops.gateway.locate import Place, found
from ops.smoke import report
from ops.smoke.check import Check
from ops.smoke.checks import CHECKS
from ops.smoke.run import Result, run
from ops.smoke.scope import missing
from tools.errors import ToolsError

KEY = "SYNAPSE_API_KEY"
Url = Annotated[str | None, typer.Option("--url", help="The gateway's address; that of its Service if left out.")]
Key = Annotated[str | None, typer.Option("--key", envvar=KEY, help="An API key, of scope admin.")]
Within = Annotated[float, typer.Option("--within", min=0.1, help="Seconds that one answer may take.")]
Only = Annotated[
    list[str],
    typer.Option("--only", help=f"Ask this alone; again for more. One of: {', '.join(one.name for one in CHECKS)}."),
]
WITHIN_S = 300.0
"""What the gateway itself gives a language model, which may have to be loaded first."""


def smoke(  # noqa: PLR0913, PLR0917 - a command has its options
    stack: Stack = "forge",
    phase: Phase = None,
    url: Url = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    only: Only = [],  # noqa: B006 - typer copies it
    within_s: Within = WITHIN_S,
    as_json: AsJson = False,
) -> None:
    """Ask for models, embeddings, chat, speech, voices and all else there is; exit 1 when an answer is wrong."""
    planned, checks = plan(at_phase(load(stack), phase)), chosen(only)
    if unable := [
        f"{check.name} (the stack has {why})" for check in checks if only and (why := missing(planned, check))
    ]:
        raise RouteError(f"--only: got {', '.join(unable)}; accepted: what the stack has a service for")
    with found(planned, stack, url, kubeconfig) as place:
        passed = ask(planned, place, key=key, checks=checks, within_s=within_s, as_json=as_json)
    raise typer.Exit(0 if passed else 1)


def passes(planned: Plan, stack: str, kubeconfig: Path | None) -> bool:
    """Ask the gateway of a stack that was just deployed. Raises UnreachableError and ToolsError."""
    with found(planned, stack, None, kubeconfig) as place:
        return ask(planned, place, key=os.environ.get(KEY))


def chosen(names: Sequence[str]) -> Sequence[Check]:
    """The checks of these names, all of them where none is named. Raises ToolsError for a name there is not."""
    if strange := [name for name in names if name not in {check.name for check in CHECKS}]:
        known = ", ".join(check.name for check in CHECKS)
        raise ToolsError(f"--only: got {', '.join(strange)}; accepted: {known}")
    return [check for check in CHECKS if check.name in names or not names]


def ask(  # noqa: PLR0913 - as the command
    planned: Plan,
    place: Place,
    *,
    key: str | None = None,
    checks: Sequence[Check] = CHECKS,
    within_s: float = WITHIN_S,
    as_json: bool = False,
) -> bool:
    """Ask, print what came back, and say whether all of it was right. Raises UnreachableError."""
    results = _asked(planned, place, key, within_s, checks)
    failed = [result for result in results if not result.passed]
    logs = _logs(planned, place, failed)
    left_out = {check.name: why for check in checks if (why := missing(planned, check))}
    if as_json:
        typer.echo(json.dumps(report.document(results, place.url, left_out, logs), indent=2))
    else:
        _show(results, place, left_out, logs)
    return not failed


def _asked(planned: Plan, place: Place, key: str | None, within_s: float, checks: Sequence[Check]) -> list[Result]:
    results = []
    with reached(place.url, key) as http, Console(stderr=True).status("asking") as status:
        for result in run(planned, http, within_s, checks):
            results.append(result)
            status.update(f"asking; {len(results)} answered, the last: {result.question.check.name}")
    return results


def _logs(planned: Plan, place: Place, failed: Sequence[Result]) -> report.Logs:
    """What the pods of every service that had a part in a failure said last; nothing without a cluster to ask."""
    services = dict.fromkeys(service.service_name for result in failed for service in result.question.services)
    logs: dict[str, Sequence[str]] = {}
    if place.kubeconfig is None or not services:
        return logs
    with ExitStack() as stack:
        known = stack.enter_context(pods(place.kubeconfig, planned.settings.namespace, planned.settings.context))
        for service in services:
            try:
                logs |= known.last_lines(service)
            except UnreachableError as error:
                logs[service] = [str(error)]
    return logs


def _show(results: Sequence[Result], place: Place, left_out: Mapping[str, str], logs: report.Logs) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(report.table(results, f"{place.url} ({place.way})"))
    for why in dict.fromkeys(left_out.values()):
        names = ", ".join(name for name, reason in left_out.items() if reason == why)
        console.print(f"not asked, as the stack has {why}: {names}", style="dim")
    for pod, lines in logs.items():
        console.print(f"\n{pod} said last:", *lines, sep="\n  ", markup=False)
