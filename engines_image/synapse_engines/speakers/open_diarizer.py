"""Diarization with free models: Silero VAD finds the speech, GE2E compares the voices of short windows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from synapse_engines.audio.voice_activity import SpeechSpan, speech_spans
from synapse_engines.audio.waveform import Waveform
from synapse_engines.models.holder import ModelHolder
from synapse_engines.settings import SettingError
from synapse_engines.speakers.clustering import cluster_windows
from synapse_engines.speakers.diarizer import Diarization, SpeakerCount, SpeakerTurn, Vector
from synapse_engines.speakers.voice_encoder import VoiceEncoder
from synapse_engines.web.work_queue import CancelEvent

PAUSE_S = 0.3
"""Pause that ends a speech span."""
MIN_SPEECH_S = 0.2
WINDOW_S = 1.6
"""Length of a window, the one with which the encoder was trained."""
HOP_S = 0.8
MIN_WINDOW_S = 0.6
"""Minimum length of a window with a voice of its own; a shorter one belongs to the speaker of the nearest window."""
SAME_VOICE = 0.77
"""Cosine similarity of two recordings of the same voice: the equal error rate, 0.9 % over 12 voices of Kokoro."""


@dataclass(frozen=True)
class Window:
    """Part of a recording whose voice is compared, and the *core* of it that gets the speaker found."""

    span: SpeechSpan
    core: SpeechSpan


class OpenDiarizer:
    """Diarizer with the models of the folder *models*."""

    name = "ge2e"
    threshold = SAME_VOICE

    def __init__(self, models: Path, idle_s: float = 0) -> None:
        path = models / "speakers/ge2e.pt"
        if not path.is_file():
            raise SettingError(f"{path} is missing; accepted: the file pretrained.pt of Resemblyzer")
        self._encoder = ModelHolder("ge2e", lambda: VoiceEncoder(path), idle_s)

    @property
    def is_loaded(self) -> bool:
        return self._encoder.is_loaded

    def diarize(self, waveform: Waveform, count: SpeakerCount, cancel: CancelEvent) -> Diarization:
        """Return the turns; after a cancellation they mean nothing."""
        windows = list(cut_windows(speech_spans(waveform, PAUSE_S, MIN_SPEECH_S, cancel=cancel)))
        long = [number for number, window in enumerate(windows) if window.span.seconds >= MIN_WINDOW_S]
        if not long:
            return Diarization([], np.empty((0, 0), np.float32))
        pieces = [waveform.between(windows[number].span.start, windows[number].span.end).samples for number in long]
        with self._encoder.use() as encoder:
            vectors = encoder.embed_pieces(pieces, cancel)
        if cancel.is_set():
            return Diarization([], np.empty((0, 0), np.float32))
        seconds = np.array([windows[number].core.seconds for number in long])
        labels, voices = cluster_windows(vectors, seconds, count)
        return Diarization(merge_turns(_turns(windows, long, labels)), voices)

    def embed(self, waveform: Waveform, cancel: CancelEvent) -> Vector:
        with self._encoder.use() as encoder:
            return encoder.embed(waveform, cancel)

    def close(self) -> None:
        self._encoder.close()


def cut_windows(spans: Sequence[SpeechSpan]) -> Iterator[Window]:
    """Yield overlapping windows of each span; their cores follow one another without a gap."""
    for span in spans:
        count = max(math.ceil(round((span.seconds - WINDOW_S) / HOP_S, 6)), 0) + 1
        length = min(WINDOW_S, span.seconds)
        starts = np.linspace(span.start, span.end - length, count)
        edges = [span.start, *(starts[1:] + starts[:-1] + length) / 2, span.end]
        for start, core in zip(starts.tolist(), pairwise(edges), strict=True):
            yield Window(SpeechSpan(start, start + length), SpeechSpan(*map(float, core)))


def _turns(windows: Sequence[Window], long: Sequence[int], labels: Sequence[int]) -> Iterator[SpeakerTurn]:
    """Yield the turn of each window; one without a label gets the speaker of the nearest window."""
    middles = (np.array(long[:-1]) + np.array(long[1:])) / 2
    nearest = np.searchsorted(middles, np.arange(len(windows)))
    for window, position in zip(windows, nearest, strict=True):
        yield SpeakerTurn(window.core, labels[position])


def merge_turns(turns: Iterator[SpeakerTurn]) -> list[SpeakerTurn]:
    """Join consecutive turns of one speaker, and number the speakers in order of appearance."""
    merged: list[SpeakerTurn] = []
    for turn in turns:
        if merged and merged[-1].speaker == turn.speaker and turn.span.start - merged[-1].span.end <= 2 * PAUSE_S:
            merged[-1] = SpeakerTurn(SpeechSpan(merged[-1].span.start, turn.span.end), turn.speaker)
        else:
            merged.append(turn)
    return merged
