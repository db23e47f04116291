"""Voice activity detection by level: speech is louder than the quiet parts of the recording."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synapse_engines.audio.waveform import Waveform

STEP_S = 0.02
NOISE_FLOOR_PERCENTILE = 10
LOUD_PERCENTILE = 95
ABOVE_NOISE_FLOOR_DB = 9.0
BELOW_LOUD_DB = 35.0
SILENCE_DB = -60.0


@dataclass(frozen=True)
class SpeechSpan:
    """Part of a recording, in seconds from its start."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def speech_spans(waveform: Waveform, max_pause_s: float, min_speech_s: float = 0.1) -> list[SpeechSpan]:
    """Return the spans of speech: pauses up to *max_pause_s* are included, spans under *min_speech_s* left out."""
    levels = levels_db(waveform)
    if not len(levels):
        return []
    loud = float(np.percentile(levels, LOUD_PERCENTILE))
    floor = float(np.percentile(levels, NOISE_FLOOR_PERCENTILE))
    threshold = min(floor + ABOVE_NOISE_FLOOR_DB, loud - ABOVE_NOISE_FLOOR_DB / 2)
    threshold = max(threshold, loud - BELOW_LOUD_DB, SILENCE_DB)
    spans = merge_spans(_active_spans(levels > threshold), max_pause_s)
    return [span for span in spans if span.seconds >= min_speech_s]


def levels_db(waveform: Waveform) -> NDArray[np.float64]:
    """Return the level of each step in dBFS."""
    size = round(waveform.rate * STEP_S)
    steps = waveform.samples[: len(waveform.samples) // size * size].reshape(-1, size)
    power: NDArray[np.float64] = np.mean(steps.astype(np.float64) ** 2, axis=1) if len(steps) else np.empty(0)
    return 10 * np.log10(power + 1e-10)


def merge_spans(spans: Iterable[SpeechSpan], max_pause_s: float) -> list[SpeechSpan]:
    """Join spans that are at most *max_pause_s* apart."""
    merged: list[SpeechSpan] = []
    for span in spans:
        if merged and span.start - merged[-1].end <= max_pause_s:
            merged[-1] = SpeechSpan(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def _active_spans(active: NDArray[np.bool_]) -> Iterator[SpeechSpan]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], active.astype(np.int8), [0]))))
    for start, end in edges.reshape(-1, 2):
        yield SpeechSpan(float(start) * STEP_S, float(end) * STEP_S)
