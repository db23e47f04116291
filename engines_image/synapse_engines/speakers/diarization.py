"""Speaker diarization: speech is cut into windows, and windows with similar voiceprints belong to one speaker."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synapse_engines.audio.voice_activity import SpeechSpan, speech_spans
from synapse_engines.audio.waveform import Waveform
from synapse_engines.speakers.clustering import cluster
from synapse_engines.speakers.voiceprint import Voiceprint, voiceprint
from synapse_engines.web.work_queue import CancelEvent

PAUSE_S = 0.3
"""Pause that ends a speech span."""
WINDOW_S = 2.0
MIN_WINDOW_S = 0.5
"""Minimum length of a window with a voiceprint; a shorter one gets the speaker of the nearest window that has one."""
MAX_WINDOWS = 1000
"""Limit of the clustering; windows of a long recording are longer."""
SAME_SPEAKER = 0.75
"""Similarity threshold (measured): windows of one voice are mostly above it, windows of two voices mostly below."""


@dataclass(frozen=True)
class SpeakerTurn:
    """SpeechSpan of one speaker; speakers are numbered from 0 in order of appearance."""

    span: SpeechSpan
    speaker: int


def diarize(
    waveform: Waveform, cancel: CancelEvent, min_speakers: int = 1, max_speakers: int | None = None
) -> list[SpeakerTurn]:
    """Return the speaker turns of *waveform*, with *min_speakers* to *max_speakers* speakers."""
    windows = list(_windows(waveform))
    prints = [_window_print(waveform, span, cancel) for span in windows]
    with_print = [index for index, each in enumerate(prints) if each is not None]
    if not with_print:
        return []
    vectors = np.array([each.vector for each in prints if each is not None])
    labels = cluster(vectors, SAME_SPEAKER, min_speakers, max_speakers)
    speakers = dict(zip(with_print, labels, strict=True))
    nearest = [min(with_print, key=lambda index: abs(index - window)) for window in range(len(windows))]
    return _merge_turns(SpeakerTurn(span, speakers[index]) for span, index in zip(windows, nearest, strict=True))


def _windows(waveform: Waveform) -> Iterator[SpeechSpan]:
    """Yield the speech spans, cut into pieces of about the window length."""
    spans = speech_spans(waveform, PAUSE_S)
    length = max(WINDOW_S, sum(span.seconds for span in spans) / MAX_WINDOWS)
    for span in spans:
        count = max(round(span.seconds / length), 1)
        edges = np.linspace(span.start, span.end, count + 1).tolist()
        for start, end in pairwise(edges):
            yield SpeechSpan(start, end)


def _window_print(waveform: Waveform, span: SpeechSpan, cancel: CancelEvent) -> Voiceprint | None:
    if cancel.is_set() or span.seconds < MIN_WINDOW_S:
        return None
    return voiceprint(waveform.between(span.start, span.end))


def _merge_turns(turns: Iterator[SpeakerTurn]) -> list[SpeakerTurn]:
    """Join consecutive turns of one speaker."""
    merged: list[SpeakerTurn] = []
    for turn in turns:
        if merged and merged[-1].speaker == turn.speaker and turn.span.start - merged[-1].span.end <= 2 * PAUSE_S:
            merged[-1] = SpeakerTurn(SpeechSpan(merged[-1].span.start, turn.span.end), turn.speaker)
        else:
            merged.append(turn)
    return merged
