"""Transcript of a recording; times are in seconds from its start."""

import msgspec


class Word(msgspec.Struct, kw_only=True):
    """Recognized word; *probability* is the confidence of the recognizer."""

    word: str
    start: float
    end: float
    probability: float


class Segment(msgspec.Struct, kw_only=True):
    """Speech between two pauses; *words* is null if the client did not request words."""

    id: int
    text: str
    start: float
    end: float
    words: list[Word] | None = None


class DetectedLanguage(msgspec.Struct, kw_only=True):
    """Language (ISO 639-1 code) and its probability."""

    code: str
    probability: float


class Transcript(msgspec.Struct, kw_only=True):
    """Transcript in the JSON format of whisper-stt."""

    text: str
    language: str
    language_probability: float
    duration: float
    segments: list[Segment]

    def without_words(self) -> "Transcript":
        bare = [msgspec.structs.replace(segment, words=None) for segment in self.segments]
        return msgspec.structs.replace(self, segments=bare)


def build_transcript(segments: list[Segment], language: DetectedLanguage, duration: float) -> Transcript:
    return Transcript(
        text=" ".join(segment.text for segment in segments),
        language=language.code,
        language_probability=language.probability,
        duration=duration,
        segments=segments,
    )
