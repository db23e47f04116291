"""Ratios, targets and soak verdicts of the gateway's benchmark."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tools.bench import report
from tools.bench.load import LoadTestResult
from tools.bench.rounds import Round, Sample, SubjectResult
from tools.bench.soak import SNAPSHOTS, Snapshot, Soak
from tools.bench.targets import TARGETS, verdicts
from tools.bench.verdict import Verdict

RESULT = LoadTestResult(
    seconds=1,
    requests=100,
    all=100,
    all_events=0,
    events=0,
    errors=0,
    first_error="",
    refused=0,
    aborted=0,
    p50=100,
    p90=100,
    p99=100,
    first_p50=0,
    first_p99=0,
    refused_p99=0,
    statuses={},
)
FIRST = Snapshot(rss_mib=50, descriptors=10, upstream=5, calls=0)


def subject(per_s: float, p50: float = 100, **options: float) -> SubjectResult:
    result = replace(RESULT, requests=int(per_s), p50=p50)
    loads = {name: Sample(figures=result, cpu_s=0.01) for name in ("one", "json", "stream", "paced", "crowd", "flood")}
    return SubjectResult(loads=loads, **options)


def one_round(gateway: float, nginx: float, litellm: float) -> Round:
    return {
        "direct": subject(50_000, p50=50),
        "nginx": subject(nginx, p50=150),
        "gateway": subject(gateway, p50=300, rss_mib=60, cold_s=0.5),
        "litellm": subject(litellm, p50=9000),
    }


ROUNDS = [one_round(5000, 20_000, 50), one_round(2000, 6000, 20), one_round(9000, 90_000, 100)]


def cells(rounds: list[Round], title: str) -> Mapping[str, str]:
    subjects = tuple(rounds[0])
    table = report.main(rounds, subjects)
    return next(dict(zip(subjects, row[1:], strict=True)) for row in table.rows if row[0] == title)


def verdict_on(what: str) -> Verdict:
    return next(verdict for verdict in verdicts(ROUNDS) if what in verdict.what)


def test_ratios_are_of_each_round_and_not_of_medians() -> None:
    uneven = [one_round(1000, 2000, 1), one_round(2000, 20_000, 1), one_round(3000, 3000, 1)]
    assert verdicts(uneven)[0].value == 0.5  # the ratio of the medians is 2/3
    assert cells(uneven, "... times nginx")["gateway"] == "0.500"


def test_added_latency_is_relative_to_a_direct_connection() -> None:
    assert verdict_on("added p50").value == pytest.approx(2.5)
    assert cells(ROUNDS, "1 connection: added p50, us")["gateway"] == "250"


def test_targets_are_met_or_missed() -> None:
    assert verdict_on("start to first answer").is_met
    assert Verdict(what="", value=1.1, bound=1).is_met is False
    assert Verdict(what="", value=1.1, bound=1, is_least=True).is_met is True
    assert Verdict(what="it", value=1.1, bound=1, unit=" s").row == ("it", "<= 1 s", "1.1 s", "MISSED")


def test_a_ratio_needs_its_peer() -> None:
    alone: list[Round] = [
        {name: result for name, result in one.items() if name in {"direct", "gateway"}} for one in ROUNDS
    ]
    assert cells(alone, "... times nginx")["gateway"] == "-"
    assert not [verdict for verdict in verdicts(alone) if "nginx" in verdict.what or "LiteLLM" in verdict.what]


def test_every_target_has_a_verdict_where_everything_was_measured() -> None:
    overload = SubjectResult(loads={"peak": Sample(figures=RESULT), "twice": Sample(figures=RESULT)})
    assert len(verdicts([{**one, "overload": overload} for one in ROUNDS])) == len(TARGETS)


def test_the_report_says_how_loaded_the_machine_was() -> None:
    busy = {name: Sample(figures=RESULT, foreign=0.5) for name in ("one", "json")}
    assert "on a loaded machine" in report.machine([{"gateway": SubjectResult(loads=busy)}])
    assert "on a quiet machine" in report.machine(ROUNDS)


def soak(*rss_mib: float, last: Snapshot = FIRST) -> list[Verdict]:
    snapshots = [FIRST, *(replace(FIRST, rss_mib=size) for size in rss_mib)]
    snapshots[-1] = replace(last, rss_mib=rss_mib[-1])
    return Soak(name="it", figures=[RESULT], snapshots=snapshots).verdicts()


def missed(judged: list[Verdict]) -> list[str]:
    return [verdict.what for verdict in judged if not verdict.is_met]


def test_growing_memory_is_missed_and_a_warm_up_is_not() -> None:
    assert missed(soak(*(50 + number for number in range(SNAPSHOTS)))) == ["it: growth of memory"]
    assert missed(soak(54, 57, 60, *([61] * SNAPSHOTS))) == []


def test_open_files_and_calls_left_by_a_soak_are_missed() -> None:
    left = soak(50, 50, 50, 50, last=Snapshot(rss_mib=50, descriptors=30, upstream=20, calls=2))
    assert missed(left) == ["it: open files", "it: open files of the backend", "it: calls that did not end"]
