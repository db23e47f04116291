"""`synapse bench stack`: latency and throughput of the deployed models, and what the gateway adds to them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.options import Kubeconfig, Phase, Stack
from infra.errors import SynapseError
from infra.plan.stack import plan
from infra.settings.loader import load
from ops.bench import report
from ops.bench.criteria import Judged, judge
from ops.bench.endpoints import ways
from ops.bench.page import page
from ops.bench.rounds import Series, Setup, measure
from ops.cluster.pods import pods
from ops.cluster.target import at_phase, existing_cluster
from ops.errors import WrongAnswerError
from tools.bench.verdict import HEADINGS, all_met

Rounds = Annotated[int, typer.Option("--rounds", min=1, max=1000, help="In each, every way to a model is asked once.")]
Tokens = Annotated[int, typer.Option("--tokens", min=2, help="The most that a chat may answer.")]
Clients = Annotated[
    int, typer.Option("--clients", min=0, max=256, help="At once, for the throughput; 0 leaves it out.")
]
Within = Annotated[float, typer.Option("--within", min=1, help="Seconds that one answer may take.")]
Key = Annotated[str | None, typer.Option("--key", envvar="SYNAPSE_API_KEY", help="An API key.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write every round to this file.")]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write a page with plots to this file.")]


def stack(  # noqa: PLR0913, PLR0917 - a command has its options
    name: Stack = "forge",
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
    """Ask each model through the gateway and directly, in turn; exit 1 when a success criterion is missed."""
    planned = plan(at_phase(load(name), phase))
    setup = Setup(rounds=rounds, tokens=tokens, clients=clients)
    settings = planned.settings
    with pods(existing_cluster(name, kubeconfig), settings.namespace, settings.context) as known:
        with ways(planned, known, key, within_s) as found, Console(stderr=True).status("measuring") as status:
            series: list[Series] = []
            try:
                for each in measure(found, setup):
                    series.append(each)
                    status.update(f"measuring; the last: {each.model} through {each.through}")
            except WrongAnswerError as error:
                raise SynapseError(f"a question went wrong: {error}; see `synapse smoke --stack {name}`") from error
        judged = judge(planned, series, known)
    about = report.document(name, series, judged, setup)
    if json_file:
        json_file.write_text(json.dumps(about, indent=2), encoding="utf-8")
    if html_file:
        html_file.write_text(page(about, series, judged), encoding="utf-8")
    _show(series, judged)
    raise typer.Exit(0 if all_met(judged.verdicts) else 1)


def _show(series: list[Series], judged: Judged) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for columns, rows in (
        (report.COLUMNS, report.rows(series)),
        (HEADINGS, (verdict.row for verdict in judged.verdicts)),
    ):
        table = Table(*columns)
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
    for reason in judged.left_out:
        console.print(f"not judged: {reason}", markup=False)
