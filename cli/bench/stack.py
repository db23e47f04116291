"""`synapse bench stack`: latency and throughput of the deployed models, through the gateway and directly."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import output
from cli.options import DEFAULT_STACK, KEY_VARIABLE, Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.bench import report
from ops.bench.criteria import Evaluation, evaluate
from ops.bench.endpoints import connect_endpoints
from ops.bench.page import page
from ops.bench.rounds import Series, StackBenchSetup, measure
from ops.cluster.pods import connect_pods
from ops.cluster.target import at_phase, existing_cluster
from ops.errors import WrongAnswerError
from tools.bench.verdict import HEADINGS, all_met

Rounds = Annotated[int, typer.Option("--rounds", min=1, max=1000, help="Number of rounds; each probes every endpoint.")]
Tokens = Annotated[int, typer.Option("--tokens", min=2, help="Maximum tokens of a chat response.")]
Clients = Annotated[
    int, typer.Option("--clients", min=0, max=256, help="Concurrent clients for the throughput; 0 leaves it out.")
]
Within = Annotated[float, typer.Option("--within", min=1, help="Seconds for one response.")]
Key = Annotated[str | None, typer.Option("--key", envvar=KEY_VARIABLE, help="API key.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="File for every round, as JSON.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="File for a page with plots.")]


def stack(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Stack = DEFAULT_STACK,
    phase: Phase = None,
    kubeconfig: Kubeconfig = None,
    key: Key = None,
    rounds: Rounds = 10,
    tokens: Tokens = 64,
    clients: Clients = 4,
    within_s: Within = 300,
    json_file: Json = None,
    html_file: Html = None,
) -> None:
    """Measure each model through the gateway and directly, in turn; exit 1 when a success criterion is missed."""
    planned = plan(at_phase(load(name), phase))
    setup = StackBenchSetup(rounds=rounds, tokens=tokens, clients=clients)
    settings = planned.settings
    with connect_pods(existing_cluster(name, kubeconfig), settings.namespace, settings.context) as pods:
        with (
            connect_endpoints(planned, pods, key, within_s) as endpoints,
            output.waiting("measuring") as status,
        ):
            series: list[Series] = []
            try:
                for each in measure(endpoints, setup):
                    series.append(each)
                    status.update(Text(f"measuring; the last: {each.model} through {each.through}"))
            except WrongAnswerError as error:
                raise SynapseError(f"a probe failed: {error}; run `synapse smoke --stack {name}`") from error
        evaluation = evaluate(planned, series, pods)
    document = report.document(name, series, evaluation, setup)
    if json_file:
        json_file.write_text(json.dumps(document, indent=2), encoding="utf-8")
    if html_file:
        html_file.write_text(page(document, series, evaluation), encoding="utf-8")
    _show(series, evaluation)
    raise typer.Exit(0 if all_met(evaluation.verdicts) else 1)


def _show(series: list[Series], evaluation: Evaluation) -> None:
    for columns, rows in (
        (report.COLUMNS, report.rows(series)),
        (HEADINGS, (verdict.row for verdict in evaluation.verdicts)),
    ):
        table = Table(*columns)
        for row in rows:
            table.add_row(*row)
        output.show(table)
    for reason in evaluation.left_out:
        output.say(f"no verdict: {reason}")
