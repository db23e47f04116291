"""Performance targets of the gateway: a figure of each round, and a bound on the median."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tools.bench.rounds import OVERLOAD, Round, SubjectResult
from tools.bench.subjects import DIRECT
from tools.bench.verdict import Verdict

GATEWAY, NGINX, LITELLM = "gateway", "nginx", "litellm"
MILLI = 1e3


@dataclass(frozen=True, kw_only=True)
class PerformanceTarget:
    """A bound on the median of *figure* over the rounds; *needs* names the subjects that must have been measured."""

    what: str
    figure: Callable[[Round], float]
    bound: float
    is_least: bool = False
    unit: str = ""
    needs: tuple[str, ...] = (GATEWAY,)

    def judge(self, rounds: Sequence[Round]) -> Verdict:
        value = median(self.figure, rounds)
        return Verdict(what=self.what, value=value, bound=self.bound, is_least=self.is_least, unit=self.unit)


def per_s(results: Round, name: str, load: str) -> float:
    """Return successful responses per second."""
    return results[name].loads[load].figures.per_s


def added_us(results: Round, name: str) -> float:
    """Return what the proxy adds to the median response time, at one connection."""
    return p50(results[name]) - p50(results[DIRECT])


def p50(result: SubjectResult) -> float:
    return result.loads["one"].figures.p50


def _errors(results: Round) -> float:
    return sum(sample.figures.errors + sample.figures.refused for sample in results[GATEWAY].loads.values())


def _ratio(load: str, peer: str) -> Callable[[Round], float]:
    return lambda results: per_s(results, GATEWAY, load) / per_s(results, peer, load)


TARGETS: Sequence[PerformanceTarget] = (
    PerformanceTarget(
        what="JSON at 32 connections, times nginx",
        figure=_ratio("json", NGINX),
        bound=1 / 6,
        is_least=True,
        needs=(GATEWAY, NGINX),
    ),
    PerformanceTarget(
        what="JSON at 32 connections, times LiteLLM",
        figure=_ratio("json", LITELLM),
        bound=50,
        is_least=True,
        needs=(GATEWAY, LITELLM),
    ),
    PerformanceTarget(
        what="the same; 25 times the first design, which did 2.5 times LiteLLM",
        figure=_ratio("json", LITELLM),
        bound=62.5,
        is_least=True,
        needs=(GATEWAY, LITELLM),
    ),
    PerformanceTarget(
        what="streams at 32 connections, times nginx",
        figure=_ratio("stream", NGINX),
        bound=0.85,
        is_least=True,
        needs=(GATEWAY, NGINX),
    ),
    PerformanceTarget(
        what="added p50 at one connection, times nginx's",
        figure=lambda results: added_us(results, GATEWAY) / max(1.0, added_us(results, NGINX)),
        bound=3,
        needs=(GATEWAY, NGINX, DIRECT),
    ),
    PerformanceTarget(
        what="p99 of 2000 requests a second over 500 connections",
        figure=lambda results: results[GATEWAY].loads["crowd"].figures.p99 / MILLI,
        bound=43,
        unit=" ms",
    ),
    PerformanceTarget(what="errors and refusals, all loads", figure=_errors, bound=0),
    PerformanceTarget(
        what="memory after the loads",
        figure=lambda results: results[GATEWAY].rss_mib,
        bound=90,
        unit=" MiB",
    ),
    PerformanceTarget(
        what="start to first answer",
        figure=lambda results: results[GATEWAY].cold_s,
        bound=1,
        unit=" s",
    ),
    PerformanceTarget(
        what="answers under twice the peak load, times the peak's",
        figure=lambda results: per_s(results, OVERLOAD, "twice") / per_s(results, OVERLOAD, "peak"),
        bound=0.8,
        is_least=True,
        needs=(OVERLOAD,),
    ),
    PerformanceTarget(
        what="p99 of a refusal then",
        figure=lambda results: results[OVERLOAD].loads["twice"].figures.refused_p99 / MILLI,
        bound=43,
        unit=" ms",
        needs=(OVERLOAD,),
    ),
    PerformanceTarget(
        what="errors then, other than refusals",
        figure=lambda results: sum(sample.figures.errors for sample in results[OVERLOAD].loads.values()),
        bound=0,
        needs=(OVERLOAD,),
    ),
)


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """Return the verdict on every target whose subjects were measured."""
    measured = set(rounds[0])
    return [target.judge(rounds) for target in TARGETS if measured.issuperset(target.needs)]


def median(figure: Callable[[Round], float], rounds: Sequence[Round]) -> float:
    return statistics.median(figure(results) for results in rounds)


def median_foreign_share(rounds: Sequence[Mapping[str, SubjectResult]]) -> float:
    """Return the median share of all cores that other processes used during the samples."""
    return statistics.median(
        sample.foreign for results in rounds for result in results.values() for sample in result.loads.values()
    )
