"""`synapse bench gateway` and `synapse bench soak`: the gateway beside its peers, and for a long time."""

import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import rich.table
import typer
from rich.console import Console

from infra.sizing.ledger import markdown
from tools.bench import report
from tools.bench.rounds import BenchmarkSettings, measure
from tools.bench.soak import SNAPSHOTS, Soak, soak_aborts, soak_requests
from tools.bench.subjects import DIRECT, PROXIES
from tools.bench.targets import verdicts
from tools.bench.verdict import Verdict, all_met
from tools.errors import ToolsError

SUBJECTS: Final = (DIRECT, *PROXIES)

Rounds = Annotated[int, typer.Option("--rounds", min=1, max=50, help="Every subject once in each, in shuffled order.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.5, max=60, help="Of each load.")]
Without = Annotated[list[str], typer.Option("--without", help=f"Leave one out: {', '.join(SUBJECTS)}.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="For docs/gateway-performance.md: tables in Markdown.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write every sample to this file.")]
Requests = Annotated[int, typer.Option("--requests", min=0, help="How many, one soak; 0 leaves it out.")]
Minutes = Annotated[float, typer.Option("--minutes", min=0, help="Of clients that leave, the other; 0 leaves it out.")]
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="Requests a second of clients that leave; 0: as many as get through.")
]
Looks = Annotated[int, typer.Option("--looks", min=4, help="How often each is interrupted to look.")]


def gateway(
    rounds: Rounds = 3,
    seconds: Seconds = 3,
    without: Without = [],  # noqa: B006 - typer copies it
    as_markdown: Markdown = False,
    json_file: Json = None,
) -> None:
    """Measure the gateway beside nginx, LiteLLM and no proxy; exit 1 when a target is missed."""
    _end_in_order()
    subjects = _subjects(without)
    with tempfile.TemporaryDirectory(prefix="synapse-bench-") as folder:
        setup = BenchmarkSettings(folder=Path(folder), subjects=subjects, rounds=rounds, seconds=seconds)
        found = list(measure(setup))
    if json_file:
        json_file.write_text(json.dumps(report.document(found)), encoding="utf-8")
    judged = verdicts(found)
    tables = [report.main(found, subjects), report.curve(found, setup.curve), report.judged(judged)]
    _finish(tables, report.machine(found), judged, as_markdown=as_markdown)


def soak(
    requests: Requests = 1_000_000,
    minutes: Minutes = 60,
    rate: Rate = 0,
    looks: Looks = SNAPSHOTS,
    as_markdown: Markdown = False,
) -> None:
    """Watch memory, open files and calls under many requests, then under clients that leave; exit 1 when they grow."""
    _end_in_order()
    done: list[Soak] = []
    with tempfile.TemporaryDirectory(prefix="synapse-soak-") as folder:
        if requests:
            done.append(soak_requests(_made(folder, "requests"), requests, looks))
        if minutes:
            done.append(soak_aborts(_made(folder, "aborts"), minutes, looks, rate))
    judged = [verdict for one in done for verdict in one.verdicts()]
    _finish([report.judged(judged)], f"{looks} snapshots each.", judged, as_markdown=as_markdown)


def _subjects(without: Sequence[str]) -> tuple[str, ...]:
    if strange := sorted(set(without).difference(SUBJECTS)):
        raise ToolsError(f"--without: got {', '.join(strange)}; accepted: {', '.join(SUBJECTS)}")
    return tuple(name for name in SUBJECTS if name not in without)


def _end_in_order() -> None:
    """Told to end, end what was started too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _finish(tables: Sequence[report.TextTable], about: str, judged: Sequence[Verdict], *, as_markdown: bool) -> None:
    console = Console(soft_wrap=True)
    for table in tables:
        if as_markdown:
            typer.echo(markdown(table.columns, table.rows))
        else:
            console.print(_shown(table))
    typer.echo(about)
    raise typer.Exit(0 if all_met(judged) else 1)


def _shown(table: report.TextTable) -> rich.table.Table:
    shown = rich.table.Table(*table.columns)
    for row in table.rows:
        shown.add_row(*row)
    return shown
