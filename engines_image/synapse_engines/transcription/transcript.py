"""Transcript of a recording; times are in seconds from its start."""

from collections.abc import Sequence

import msgspec

UNKNOWN_LANGUAGE = "und"
"""ISO 639's code of an undetermined language: of silence, and of a model that does not tell it."""


class Word(msgspec.Struct, kw_only=True, frozen=True):
    """Recognized word; *probability* is the confidence of the recognizer."""

    word: str
    start: float
    end: float
    probability: float


class Scores(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Figures of a segment, with OpenAI's names; those that a recognizer does not have are left out.

    *seek*: hundredths of a second from the start of the recording to the audio that was decoded together.
    """

    seek: int = 0
    tokens: Sequence[int] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


class Segment(msgspec.Struct, kw_only=True, frozen=True):
    """Part of a transcript: *text* as decoded, with the space before it; *words* is None without word timestamps."""

    id: int
    text: str
    start: float
    end: float
    words: Sequence[Word] | None = None
    token_count: int = 0
    scores: Scores = Scores()


class DetectedLanguage(msgspec.Struct, kw_only=True, frozen=True):
    """Language (ISO 639-1 code) and its probability."""

    code: str
    probability: float


class Start(msgspec.Struct, kw_only=True, frozen=True):
    """Facts that are known before the first segment; *audio_tokens*: steps of the encoder for the whole recording."""

    language: DetectedLanguage
    audio_tokens: int


class Transcript(msgspec.Struct, kw_only=True, frozen=True):
    """Segments of a recording of *duration* seconds."""

    language: DetectedLanguage
    duration: float
    segments: Sequence[Segment]

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments).strip()


def moved(segment: Segment, number: int, offset_s: float, end_s: float) -> Segment:
    """Return a segment of a piece with its times in the recording, which ends at *end_s*, and its number there."""

    def time(seconds: float) -> float:
        return round(min(seconds + offset_s, end_s), 3)

    words = segment.words and [
        msgspec.structs.replace(word, start=time(word.start), end=time(word.end)) for word in segment.words
    ]
    scores = msgspec.structs.replace(segment.scores, seek=segment.scores.seek + round(offset_s * 100))
    start, end = time(segment.start), time(segment.end)
    return msgspec.structs.replace(segment, id=number, start=start, end=end, words=words, scores=scores)
