"""Pieces of a recording that are decoded one after the other, so that memory stays flat and segments come early."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from synapse_engines.audio.voice_activity import SpeechSpan, speech_spans
from synapse_engines.audio.waveform import Waveform

PAUSE_S = 0.5
"""A longer pause may end a piece."""
LONGEST_PAUSE_S = 2.0
"""A longer pause ends a piece: in silence a model invents words."""
MIN_SPEECH_S = 0.2
MARGIN_S = 0.2
"""Kept before and after speech: the first and the last sound of it are faint."""
LONGEST_SPEECH_S = 29.0
"""Speech without a pause is cut: Whisper takes 30 s at once."""
LONGEST_PIECE_S = 240.0
"""Silence that is decoded all the same is cut, too."""


def pieces(waveform: Waveform, longest_s: float, *, is_speech_only: bool = True) -> list[SpeechSpan]:
    """Return the pieces of a waveform of 16 kHz, cut at pauses; they have up to *longest_s* seconds of speech.

    With *is_speech_only* silence is left out; without it the pieces cover the recording.
    """
    spans = _packed(speech_spans(waveform, PAUSE_S, MIN_SPEECH_S, LONGEST_SPEECH_S), longest_s)
    if is_speech_only:
        return _widened(spans, waveform.seconds, MARGIN_S)
    covering = _widened(spans, waveform.seconds, inf) or [SpeechSpan(0.0, waveform.seconds)]
    return [part for span in covering for part in _cut(span)]


def _packed(spans: Sequence[SpeechSpan], longest_s: float) -> list[SpeechSpan]:
    """Join neighbours up to *longest_s* seconds in all, but not over a long pause."""
    packed: list[SpeechSpan] = []
    for span in spans:
        last = packed[-1] if packed else None
        if last and span.start - last.end <= LONGEST_PAUSE_S and span.end - last.start <= longest_s:
            packed[-1] = SpeechSpan(last.start, span.end)
        else:
            packed.append(span)
    return packed


def _widened(spans: Sequence[SpeechSpan], seconds: float, margin_s: float) -> list[SpeechSpan]:
    """Add *margin_s* before and after each span, at most to the middle of the pause between two."""
    middles = [(one.end + other.start) / 2 for one, other in pairwise(spans)]
    limits = zip(spans, [0.0, *middles], [*middles, seconds], strict=False)
    return [
        SpeechSpan(max(span.start - margin_s, first), min(span.end + margin_s, last)) for span, first, last in limits
    ]


def _cut(span: SpeechSpan) -> Iterator[SpeechSpan]:
    start = span.start
    while start < span.end:
        yield SpeechSpan(start, min(start + LONGEST_PIECE_S, span.end))
        start += LONGEST_PIECE_S
