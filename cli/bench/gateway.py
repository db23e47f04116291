"""`synapse bench gateway` and `synapse bench soak`: the gateway beside other proxies, and under long load."""

import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import rich.table
import typer

from cli import output
from infra.sizing.ledger import markdown
from tools.bench import report
from tools.bench.rounds import BenchmarkSettings, measure
from tools.bench.soak import SNAPSHOTS, Soak, soak_aborts, soak_requests
from tools.bench.subjects import DIRECT, PROXIES
from tools.bench.targets import verdicts
from tools.bench.verdict import Verdict, all_met
from tools.errors import ToolsError

SUBJECTS: Final = (DIRECT, *PROXIES)

Rounds = Annotated[
    int,
    typer.Option(
        "--rounds", min=1, max=50, help="Number of rounds; each measures every subject once, in shuffled order."
    ),
]
Seconds = Annotated[float, typer.Option("--seconds", min=0.5, max=60, help="Seconds of each load.")]
Without = Annotated[list[str], typer.Option("--without", help=f"Subject to leave out: {', '.join(SUBJECTS)}.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Tables in Markdown, for docs/gateway-performance.md.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="File for every sample, as JSON.")]
Requests = Annotated[
    int, typer.Option("--requests", min=0, help="Number of requests of the first soak; 0 leaves it out.")
]
Minutes = Annotated[
    float,
    typer.Option("--minutes", min=0, help="Minutes of the second soak, with clients that disconnect; 0 leaves it out."),
]
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="Requests a second of clients that disconnect; 0: as many as possible.")
]
Looks = Annotated[int, typer.Option("--looks", min=4, help="Number of measurements during each soak.")]


def gateway(
    rounds: Rounds = 3,
    seconds: Seconds = 3,
    without: Without = [],  # noqa: B006 - typer copies it
    as_markdown: Markdown = False,
    json_file: Json = None,
) -> None:
    """Measure the gateway beside nginx, LiteLLM and no proxy; exit 1 when a target is missed."""
    _unwind_on_sigterm()
    subjects = _subjects(without)
    with tempfile.TemporaryDirectory(prefix="synapse-bench-") as folder:
        setup = BenchmarkSettings(folder=Path(folder), subjects=subjects, rounds=rounds, seconds=seconds)
        samples = list(measure(setup))
    if json_file:
        json_file.write_text(json.dumps(report.document(samples)), encoding="utf-8")
    results = verdicts(samples)
    tables = [report.main(samples, subjects), report.curve(samples, setup.curve), report.judged(results)]
    _finish(tables, report.machine(samples), results, as_markdown=as_markdown)


def soak(
    requests: Requests = 1_000_000,
    minutes: Minutes = 60,
    rate: Rate = 0,
    looks: Looks = SNAPSHOTS,
    as_markdown: Markdown = False,
) -> None:
    """Measure memory, open files and calls under many requests, then with clients that disconnect; exit 1 on growth."""
    _unwind_on_sigterm()
    soaks: list[Soak] = []
    with tempfile.TemporaryDirectory(prefix="synapse-soak-") as folder:
        if requests:
            soaks.append(soak_requests(_subfolder(folder, "requests"), requests, looks))
        if minutes:
            soaks.append(soak_aborts(_subfolder(folder, "aborts"), minutes, looks, rate))
    results = [verdict for each in soaks for verdict in each.verdicts()]
    _finish([report.judged(results)], f"{looks} measurements each.", results, as_markdown=as_markdown)


def _subjects(without: Sequence[str]) -> tuple[str, ...]:
    if unknown := sorted(set(without).difference(SUBJECTS)):
        raise ToolsError(f"--without: got {', '.join(unknown)}; accepted: {', '.join(SUBJECTS)}")
    return tuple(name for name in SUBJECTS if name not in without)


def _unwind_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that the programs that were started end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _subfolder(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _finish(tables: Sequence[report.TextTable], summary: str, results: Sequence[Verdict], *, as_markdown: bool) -> None:
    for table in tables:
        if as_markdown:
            typer.echo(markdown(table.columns, table.rows))
        else:
            output.show(_rich_table(table))
    typer.echo(summary)
    raise typer.Exit(0 if all_met(results) else 1)


def _rich_table(table: report.TextTable) -> rich.table.Table:
    rows = rich.table.Table(*table.columns)
    for row in table.rows:
        rows.add_row(*row)
    return rows
