"""Measurement in rounds: each probes every endpoint of a model once, in shuffled order.

A slow period of the machine then affects all endpoints alike.
"""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infra.settings.services import Task
from ops.bench.endpoints import GATEWAY, ModelEndpoint
from ops.bench.probes import LATENCY, Figures, probe, probe_concurrently


@dataclass(frozen=True, kw_only=True)
class StackBenchSetup:
    """Amount of requests: *tokens* of each chat, and *clients* at once for the throughput."""

    rounds: int = 10
    tokens: int = 64
    clients: int = 4
    shuffle: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Figures of one endpoint, round by round."""

    task: Task
    model: str
    through: str
    engine: str  # the kind of its server
    rounds: Sequence[Figures]

    def median(self, figure: str) -> float | None:
        values = self.all(figure)
        return statistics.median(values) if values else None

    def all(self, figure: str) -> list[float]:
        return [figures[figure] for figures in self.rounds if figure in figures]


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """Time that the gateway adds to a model's latency: the difference of each round, in milliseconds."""

    model: str
    task: Task
    differences: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.differences)


def measure(endpoints: Mapping[str, Sequence[ModelEndpoint]], setup: StackBenchSetup) -> Iterator[Series]:
    """Yield the series of each endpoint. One model after the other: a router has memory for one at a time.

    A first round is not counted: it loads the model. Raises WrongAnswerError.
    """
    for group in endpoints.values():
        for endpoint in group:
            probe(endpoint, setup.tokens)
        figures: dict[str, list[Figures]] = {endpoint.through: [] for endpoint in group}
        for _ in range(setup.rounds):
            for endpoint in setup.shuffle.sample(group, len(group)):
                alone = probe(endpoint, setup.tokens)
                together = probe_concurrently(endpoint, setup.tokens, setup.clients) if setup.clients else {}
                figures[endpoint.through].append({**alone, **together})
        yield from (_series(endpoint, figures[endpoint.through]) for endpoint in group)


def overheads(series: Sequence[Series]) -> list[Overhead]:
    """Compare, for each model, the gateway with the first of its servers, which serves behind it."""
    results = []
    for gateway in (each for each in series if each.through == GATEWAY):
        direct = next(each for each in series if each.model == gateway.model and each.through != GATEWAY)
        figure = LATENCY[gateway.task]
        pairs = zip(gateway.all(figure), direct.all(figure), strict=True)
        results.append(Overhead(model=gateway.model, task=gateway.task, differences=[a - b for a, b in pairs]))
    return results


def _series(endpoint: ModelEndpoint, rounds: Sequence[Figures]) -> Series:
    engine = GATEWAY if endpoint.through == GATEWAY else endpoint.service.backend.kind
    return Series(task=endpoint.task, model=endpoint.model, through=endpoint.through, engine=engine, rounds=rounds)
