"""Transcription of a recording, piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from synapse_engines.audio.voice_activity import SpeechSpan
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError
from synapse_engines.transcription.pieces import pieces
from synapse_engines.transcription.recognizer import Recognizer, Request
from synapse_engines.transcription.transcript import (
    UNKNOWN_LANGUAGE,
    DetectedLanguage,
    Segment,
    Start,
    Transcript,
    moved,
)
from synapse_engines.web.work_queue import CancelEvent

STREAM_PIECE_S = 10.0
"""Speech decoded together in a stream: with less a segment comes sooner, and has less context."""
DETECTION_S = 30.0
"""Speech that tells the language."""


def transcribe(
    recognizer: Recognizer, waveform: Waveform, request: Request, cancel: CancelEvent
) -> Iterator[Start | Segment]:
    """Yield the start, then each segment as soon as it is decoded, until *cancel* is set."""
    longest_s = min(recognizer.longest_s, STREAM_PIECE_S) if request.is_stream else recognizer.longest_s
    spans = pieces(waveform, longest_s, is_speech_only=request.vad_filter)
    language = _language(recognizer, waveform, spans, request)
    audio_tokens = round(waveform.seconds * recognizer.tokens_per_s)
    if language:
        yield Start(language=language, audio_tokens=audio_tokens)
        request = replace(request, language=None if language.code == UNKNOWN_LANGUAGE else language.code)
    number = 0
    for span in spans:
        detected, segments = recognizer.decode(waveform.between(span.start, span.end), request)
        if not language:
            language = detected
            yield Start(language=language, audio_tokens=audio_tokens)
        for number, segment in enumerate(segments, number + 1):  # noqa: B020 - numbers go on
            yield moved(segment, number, span.start, waveform.seconds)
            if cancel.is_set():
                return
        if cancel.is_set():
            return


def detect_languages(recognizer: Recognizer, waveform: Waveform) -> list[DetectedLanguage]:
    """Return the languages of a recording, the most probable first. Raises BadInputError for one without speech."""
    spans = pieces(waveform, recognizer.longest_s)
    if not spans:
        raise BadInputError("the recording has no speech, so its language cannot be told")
    return recognizer.detect_languages(_speech(waveform, spans))


def collect(items: Iterator[Start | Segment], seconds: float) -> Transcript:
    """Return the transcript of the *items* of a recording of *seconds*."""
    start = next(items)
    assert isinstance(start, Start)  # noqa: S101 - the first item
    segments = [item for item in items if isinstance(item, Segment)]
    return Transcript(language=start.language, duration=round(seconds, 3), segments=segments)


def _language(
    recognizer: Recognizer, waveform: Waveform, spans: Sequence[SpeechSpan], request: Request
) -> DetectedLanguage | None:
    """Return the language of the whole recording; None where the first piece tells it."""
    if request.language:
        return DetectedLanguage(code=request.language, probability=1.0)
    if not spans:
        return DetectedLanguage(code=UNKNOWN_LANGUAGE, probability=0.0)
    if len(spans) > 1 and recognizer.detects_languages:
        return recognizer.detect_languages(_speech(waveform, spans))[0]
    return None


def _speech(waveform: Waveform, spans: Sequence[SpeechSpan]) -> Waveform:
    """Return the first seconds of speech, without the pauses between the pieces."""
    parts, seconds = [], 0.0
    for span in spans:
        if seconds < DETECTION_S:
            parts.append(waveform.between(span.start, min(span.end, span.start + DETECTION_S - seconds)).samples)
            seconds += span.seconds
    return Waveform(np.concatenate(parts), waveform.rate)
