"""What the gateway has to reach, as figures of one round each, and the median of them."""

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
    """A bound on the median of *figure* over the rounds; *needs* names the subjects that it compares."""

    what: str
    figure: Callable[[Round], float]
    bound: float
    is_least: bool = False
    unit: str = ""
    needs: tuple[str, ...] = (GATEWAY,)

    def judge(self, rounds: Sequence[Round]) -> Verdict:
        value = median(self.figure, rounds)
        return Verdict(what=self.what, value=value, bound=self.bound, is_least=self.is_least, unit=self.unit)


def per_s(found: Round, name: str, load: str) -> float:
    """Answers a second."""
    return found[name].loads[load].figures.per_s


def added_us(found: Round, name: str) -> float:
    """What the proxy adds to the median time of an answer, at one connection."""
    return p50(found[name]) - p50(found[DIRECT])


def p50(visit: SubjectResult) -> float:
    return visit.loads["one"].figures.p50


def _errors(found: Round) -> float:
    return sum(sample.figures.errors + sample.figures.refused for sample in found[GATEWAY].loads.values())


def _ratio(load: str, peer: str) -> Callable[[Round], float]:
    return lambda found: per_s(found, GATEWAY, load) / per_s(found, peer, load)


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
        figure=lambda found: added_us(found, GATEWAY) / max(1.0, added_us(found, NGINX)),
        bound=3,
        needs=(GATEWAY, NGINX, DIRECT),
    ),
    PerformanceTarget(
        what="p99 of 2000 requests a second over 500 connections",
        figure=lambda found: found[GATEWAY].loads["crowd"].figures.p99 / MILLI,
        bound=43,
        unit=" ms",
    ),
    PerformanceTarget(what="errors and refusals, all loads", figure=_errors, bound=0),
    PerformanceTarget(
        what="memory after the loads",
        figure=lambda found: found[GATEWAY].rss_mib,
        bound=90,
        unit=" MiB",
    ),
    PerformanceTarget(
        what="start to first answer",
        figure=lambda found: found[GATEWAY].cold_s,
        bound=1,
        unit=" s",
    ),
    PerformanceTarget(
        what="answers under twice the peak load, times the peak's",
        figure=lambda found: per_s(found, OVERLOAD, "twice") / per_s(found, OVERLOAD, "peak"),
        bound=0.8,
        is_least=True,
        needs=(OVERLOAD,),
    ),
    PerformanceTarget(
        what="p99 of a refusal then",
        figure=lambda found: found[OVERLOAD].loads["twice"].figures.refused_p99 / MILLI,
        bound=43,
        unit=" ms",
        needs=(OVERLOAD,),
    ),
    PerformanceTarget(
        what="errors then, other than refusals",
        figure=lambda found: sum(sample.figures.errors for sample in found[OVERLOAD].loads.values()),
        bound=0,
        needs=(OVERLOAD,),
    ),
)


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """On every target whose subjects were measured."""
    there = set(rounds[0])
    return [target.judge(rounds) for target in TARGETS if there.issuperset(target.needs)]


def median(figure: Callable[[Round], float], rounds: Sequence[Round]) -> float:
    return statistics.median(figure(found) for found in rounds)


def calm(rounds: Sequence[Mapping[str, SubjectResult]]) -> float:
    """The median share of all cores that others had while samples were taken."""
    return statistics.median(
        sample.foreign for found in rounds for visit in found.values() for sample in visit.loads.values()
    )
