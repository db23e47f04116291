"""Tables of a measurement, and the same data as JSON."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tools.bench.rounds import MAX_FOREIGN_SHARE, SCALING_LOADS, Round, SubjectResult
from tools.bench.subjects import DIRECT
from tools.bench.targets import GATEWAY, MILLI, NGINX, added_us, median, median_foreign_share, per_s, verdicts
from tools.bench.verdict import HEADINGS, Verdict


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """Rows of text with column headings."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A row with one figure of each subject; a cell is empty where the subject had no such *load*."""

    title: str
    figure: Callable[[Round, str], float]
    form: str = ",.0f"
    load: str | None = None
    peer: str | None = None  # the subject that the figure compares with
    is_of_proxies: bool = False  # of no meaning for the direct connection


def _of(figure: Callable[[SubjectResult], float]) -> Callable[[Round, str], float]:
    return lambda results, name: figure(results[name])


def _per_s(load: str) -> Callable[[Round, str], float]:
    return lambda results, name: per_s(results, name, load)


def _times_nginx(load: str) -> Callable[[Round, str], float]:
    return lambda results, name: per_s(results, name, load) / per_s(results, NGINX, load)


REPORT_ROWS = (
    ReportRow(title="1 connection: added p50, us", figure=added_us, load="one", peer=DIRECT, is_of_proxies=True),
    ReportRow(title="32 connections: JSON/s", figure=_per_s("json"), load="json"),
    ReportRow(title="... times nginx", figure=_times_nginx("json"), form=".3f", load="json", peer=NGINX),
    ReportRow(
        title="... CPU us per request", figure=_of(lambda v: v.loads["json"].cpu_us), load="json", is_of_proxies=True
    ),
    ReportRow(title="32 connections: streams/s", figure=_per_s("stream"), load="stream"),
    ReportRow(title="... times nginx", figure=_times_nginx("stream"), form=".2f", load="stream", peer=NGINX),
    ReportRow(
        title="100 streams, an event each 10 ms: first event p99, ms",
        figure=_of(lambda v: v.loads["paced"].figures.first_p99 / MILLI),
        form=".1f",
        load="paced",
    ),
    ReportRow(
        title="... CPU us per event",
        figure=_of(lambda v: v.loads["paced"].event_cpu_us),
        form=".1f",
        load="paced",
        is_of_proxies=True,
    ),
    ReportRow(
        title="500 connections, 2000 requests/s: p99, ms",
        figure=_of(lambda v: v.loads["crowd"].figures.p99 / MILLI),
        form=".1f",
        load="crowd",
    ),
    ReportRow(title="500 connections, no pause: JSON/s", figure=_per_s("flood"), load="flood"),
    ReportRow(
        title="... p99, ms", figure=_of(lambda v: v.loads["flood"].figures.p99 / MILLI), form=".1f", load="flood"
    ),
    ReportRow(
        title="Errors and refusals, all of these",
        figure=_of(lambda v: sum(sample.figures.errors + sample.figures.refused for sample in v.loads.values())),
    ),
    ReportRow(title="RSS before, MiB", figure=_of(lambda v: v.rss_idle_mib), is_of_proxies=True),
    ReportRow(title="RSS after, MiB", figure=_of(lambda v: v.rss_mib), is_of_proxies=True),
    ReportRow(title="Start to first answer, s", figure=_of(lambda v: v.cold_s), form=".2f", is_of_proxies=True),
)


def main(rounds: Sequence[Round], subjects: Sequence[str]) -> TextTable:
    """Return one column for each subject: medians over the rounds; a ratio is formed in each round first."""
    rows = [(row.title, *(_cell(row, rounds, name) for name in subjects)) for row in REPORT_ROWS]
    return TextTable(columns=("", *subjects), rows=rows)


def _cell(row: ReportRow, rounds: Sequence[Round], name: str) -> str:
    is_there = row.load is None or row.load in rounds[0][name].loads
    is_compared = row.peer is None or row.peer in rounds[0]
    if not (is_there and is_compared) or (name == DIRECT and row.is_of_proxies):
        return "-"
    return format(median(lambda results: row.figure(results, name), rounds), row.form)


def curve(rounds: Sequence[Round], workers: Sequence[int]) -> TextTable:
    """Return throughput by number of workers, all cores shared with the stub and the load client."""
    names = [f"{name} x{count}" for name in (GATEWAY, NGINX) for count in workers if f"{name} x{count}" in rounds[0]]
    rows = [(name, *(f"{median(_rate(name, load), rounds):,.0f}" for load in SCALING_LOADS)) for name in names]
    return TextTable(columns=("Workers", "JSON/s", "streams/s"), rows=rows)


def _rate(name: str, load: str) -> Callable[[Round], float]:
    return lambda results: per_s(results, name, load)


def judged(results: Sequence[Verdict]) -> TextTable:
    """Return each target with its measured value."""
    return TextTable(columns=HEADINGS, rows=[verdict.row for verdict in results])


def machine(rounds: Sequence[Round]) -> str:
    """Return a line about the machine and its load during the measurement."""
    share = median_foreign_share(rounds)
    state = "quiet" if share <= MAX_FOREIGN_SHARE else "loaded"
    return (
        f"{len(rounds)} rounds on a {state} machine of {os.cpu_count()} cores: "
        f"other processes used {share:.0%} of them (median of the samples)."
    )


def document(rounds: Sequence[Round]) -> dict[str, Any]:
    """Return all results as JSON data."""
    return {
        "cores": os.cpu_count(),
        "foreign": median_foreign_share(rounds),
        "targets": [{**asdict(verdict), "met": verdict.is_met} for verdict in verdicts(rounds)],
        "rounds": [{name: asdict(result) for name, result in results.items()} for results in rounds],
    }
