"""The measurement: in each round every way to a model once, in shuffled order, so that a slow spell hits them all."""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infra.settings.services import Task
from ops.bench.endpoints import GATEWAY, Way
from ops.bench.probes import TIME, Figures, ask, crowd


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How much is asked: *tokens* of each chat, and *clients* at once where a second's yield is measured."""

    rounds: int = 10
    tokens: int = 64
    clients: int = 4
    shuffle: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, kw_only=True)
class Series:
    """What one way has brought, round by round."""

    task: Task
    model: str
    through: str
    engine: str  # the kind of its server
    rounds: Sequence[Figures]

    def median(self, figure: str) -> float | None:
        found = self.all(figure)
        return statistics.median(found) if found else None

    def all(self, figure: str) -> list[float]:
        return [figures[figure] for figures in self.rounds if figure in figures]


@dataclass(frozen=True, kw_only=True)
class Added:
    """What the gateway adds to the time of a model's answer: the differences of each round, in milliseconds."""

    model: str
    task: Task
    differences: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.differences)


def measure(ways: Mapping[str, Sequence[Way]], setup: Setup) -> Iterator[Series]:
    """The series of each model's ways. One model after the other: a router has room for one at a time.

    Raises WrongAnswerError. A first round is not counted: it loads the model, through the gateway.
    """
    for known in ways.values():
        for way in known:
            ask(way, setup.tokens)
        found: dict[str, list[Figures]] = {way.through: [] for way in known}
        for _ in range(setup.rounds):
            for way in setup.shuffle.sample(known, len(known)):
                alone = ask(way, setup.tokens)
                together = crowd(way, setup.tokens, setup.clients) if setup.clients else {}
                found[way.through].append({**alone, **together})
        yield from (_series(way, found[way.through]) for way in known)


def added(series: Sequence[Series]) -> list[Added]:
    """For each model the gateway beside the first of its servers, which is who answers behind it."""
    found = []
    for through in (each for each in series if each.through == GATEWAY):
        direct = next(each for each in series if each.model == through.model and each.through != GATEWAY)
        figure = TIME[through.task]
        pairs = zip(through.all(figure), direct.all(figure), strict=True)
        found.append(Added(model=through.model, task=through.task, differences=[a - b for a, b in pairs]))
    return found


def _series(way: Way, rounds: Sequence[Figures]) -> Series:
    engine = GATEWAY if way.through == GATEWAY else way.service.backend.kind
    return Series(task=way.task, model=way.model, through=way.through, engine=engine, rounds=rounds)
