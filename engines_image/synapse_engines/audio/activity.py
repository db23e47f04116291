"""When somebody speaks: where the sound is loud, next to what the recording has of quiet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.sound import Sound

STEP_S = 0.02
QUIET_SHARE = 10  # percent of the steps that are taken for quiet
ABOVE_QUIET_DB = 9.0
BELOW_LOUD_DB = 35.0
SILENCE_DB = -60.0


@dataclass(frozen=True)
class Span:
    """A part of a recording, in seconds from its beginning."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def spoken(sound: Sound, pause_s: float, least_s: float = 0.1) -> list[Span]:
    """The spans of speech; quiet of up to *pause_s* is part of one, and a span of less than *least_s* is none."""
    levels = loudness(sound)
    if not len(levels):
        return []
    loud = float(np.percentile(levels, 95))
    threshold = min(float(np.percentile(levels, QUIET_SHARE)) + ABOVE_QUIET_DB, loud - ABOVE_QUIET_DB / 2)
    threshold = max(threshold, loud - BELOW_LOUD_DB, SILENCE_DB)
    found = joined(_runs(levels > threshold), pause_s)
    return [span for span in found if span.seconds >= least_s]


def loudness(sound: Sound) -> NDArray[np.float64]:
    """The level of each step, in dB below full scale."""
    size = round(sound.rate * STEP_S)
    steps = sound.samples[: len(sound.samples) // size * size].reshape(-1, size)
    power: NDArray[np.float64] = np.mean(steps.astype(np.float64) ** 2, axis=1) if len(steps) else np.empty(0)
    return 10 * np.log10(power + 1e-10)


def joined(spans: Iterable[Span], pause_s: float) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and span.start - found[-1].end <= pause_s:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return found


def _runs(active: NDArray[np.bool_]) -> Iterator[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], active.astype(np.int8), [0]))))
    for start, end in edges.reshape(-1, 2):
        yield Span(float(start) * STEP_S, float(end) * STEP_S)
