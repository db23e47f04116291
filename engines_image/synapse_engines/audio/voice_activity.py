"""Voice activity detection by Silero VAD, whose model is part of faster-whisper's package.

https://github.com/snakers4/silero-vad
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from faster_whisper.vad import VadOptions, get_speech_timestamps

from synapse_engines.audio.waveform import Waveform

SAMPLE_RATE = 16_000
"""The rate that the model takes, in Hz."""
BLOCK_S = 240
"""Audio that is looked at together: the model takes several times the memory of its input."""
PAD_S = 0.03
"""Added before and after each span; the model finds a start or an end to 32 ms."""


@dataclass(frozen=True)
class SpeechSpan:
    """Part of a recording, in seconds from its start."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def speech_spans(
    waveform: Waveform,
    max_pause_s: float,
    min_speech_s: float = 0.1,
    max_speech_s: float = float("inf"),
    cancel: Event | None = None,
) -> list[SpeechSpan]:
    """Return the spans of speech in a waveform of 16 kHz.

    Pauses up to *max_pause_s* are included, spans under *min_speech_s* left out, spans over *max_speech_s* cut,
    at a short pause where there is one. After *cancel* is set, the rest counts as silence.
    Raises ValueError for another sample rate.
    """
    if waveform.rate != SAMPLE_RATE:
        raise ValueError(f"got a waveform of {waveform.rate} Hz; accepted: {SAMPLE_RATE} Hz")
    options = VadOptions(
        min_silence_duration_ms=round(max_pause_s * 1000),
        max_speech_duration_s=max_speech_s,
        speech_pad_ms=round(PAD_S * 1000),
    )
    spans = _join_blocks(_blocks(waveform, options, cancel or Event()), max_pause_s, max_speech_s)
    return [span for span in spans if span.seconds >= min_speech_s]


def _blocks(waveform: Waveform, options: VadOptions, cancel: Event) -> Iterator[list[SpeechSpan]]:
    """Yield the spans of each block of the recording."""
    size = BLOCK_S * SAMPLE_RATE
    for first in range(0, len(waveform.samples), size):
        if cancel.is_set():
            return
        spans = get_speech_timestamps(waveform.samples[first : first + size], options)
        yield [SpeechSpan((first + each["start"]) / SAMPLE_RATE, (first + each["end"]) / SAMPLE_RATE) for each in spans]


def _join_blocks(blocks: Iterable[list[SpeechSpan]], max_pause_s: float, max_speech_s: float) -> list[SpeechSpan]:
    """Join the last span of each block with the first of the next one, where the pause between them is short."""
    spans: list[SpeechSpan] = []
    for block in blocks:
        is_one = bool(spans and block) and block[0].start - spans[-1].end <= max_pause_s
        if is_one and block[0].end - spans[-1].start <= max_speech_s:
            spans[-1] = SpeechSpan(spans[-1].start, block[0].end)
            spans += block[1:]
        else:
            spans += block
    return spans
