"""`synapse smoke`: the smoke test of a running gateway, with every check that the stack can serve."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import output
from cli.options import DEFAULT_STACK, KEY_VARIABLE, AsJson, GatewayUrl, Kubeconfig, Phase, Stack
from infra.plan.stack import Plan, plan
from infra.settings.loader import load
from ops.cluster.target import at_phase
from ops.gateway.connect import connect_gateway
from ops.gateway.locate import GatewayLocation, locate
from ops.smoke import report
from ops.smoke.check import SmokeCheck
from ops.smoke.checks import CHECKS
from ops.smoke.run import WITHIN_S, SmokeResult, failure_logs, run
from ops.smoke.scope import missing, select
from ops.stack_secrets import admin_key
from tools.progress import say

Key = Annotated[
    str | None,
    typer.Option("--key", envvar=KEY_VARIABLE, help="API key of scope admin; default: the first that is kept."),
]
Within = Annotated[float, typer.Option("--within", min=0.1, help="Seconds for one response.")]
Only = Annotated[
    list[str],
    typer.Option("--only", help=f"Check to run alone; repeatable. One of: {', '.join(one.name for one in CHECKS)}."),
]


def smoke(  # noqa: PLR0913, PLR0917 - a command has its options
    stack: Stack = DEFAULT_STACK,
    phase: Phase = None,
    url: GatewayUrl = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    only: Only = [],  # noqa: B006 - typer copies it
    within_s: Within = WITHIN_S,
    as_json: AsJson = False,
) -> None:
    """Test models, embeddings, chat, speech, voices and every other endpoint; exit 1 when a response is wrong."""
    planned = plan(at_phase(load(stack), phase))
    checks = select(planned, CHECKS, only)
    key = key or (None if url else admin_key(stack, planned.settings, kubeconfig))
    with locate(planned, stack, url, kubeconfig) as location:
        passed = _run(planned, location, key=key, checks=checks, within_s=within_s, as_json=as_json)
    raise typer.Exit(0 if passed else 1)


def smoke_test(planned: Plan, stack: str, kubeconfig: Path | None) -> bool:
    """Run every check on a stack that was just deployed, and print. Raises UnreachableError and ToolsError."""
    with locate(planned, stack, None, kubeconfig) as location:
        key = os.environ.get(KEY_VARIABLE) or admin_key(stack, planned.settings, kubeconfig)
        return _run(planned, location, key=key)


def _run(  # noqa: PLR0913 - as the command
    planned: Plan,
    location: GatewayLocation,
    *,
    key: str | None = None,
    checks: Sequence[SmokeCheck] = CHECKS,
    within_s: float = WITHIN_S,
    as_json: bool = False,
) -> bool:
    """Run the checks, print the results, and return whether all passed. Raises UnreachableError."""
    results = _results(planned, location, key, within_s, checks)
    logs = failure_logs(planned, location.kubeconfig, results) if location.kubeconfig else {}
    left_out = {check.name: reason for check in checks if (reason := missing(planned, check))}
    if as_json:
        typer.echo(json.dumps(report.document(results, location.url, left_out, logs), indent=2))
    else:
        _show(results, location, left_out, logs)
    return all(result.passed for result in results)


def _results(
    planned: Plan, location: GatewayLocation, key: str | None, within_s: float, checks: Sequence[SmokeCheck]
) -> list[SmokeResult]:
    results = []
    with connect_gateway(location.url, key) as http, output.waiting("testing") as status:
        for result in run(planned, http, within_s, checks):
            results.append(result)
            status.update(f"testing; {len(results)} done, the last: {result.case.check.name}")
            if not status.console.is_terminal:
                say(report.line(result))  # in place of the spinner
    return results


def _show(
    results: Sequence[SmokeResult], location: GatewayLocation, left_out: Mapping[str, str], logs: report.Logs
) -> None:
    output.show(report.table(results, f"{location.url} ({location.via})"))
    for reason in dict.fromkeys(left_out.values()):
        names = ", ".join(name for name, why in left_out.items() if why == reason)
        output.say(f"not tested, since the stack has {reason}: {names}", style="dim")
    for pod, lines in logs.items():
        output.say("\n  ".join([f"\nlast lines of {pod}:", *lines]))
