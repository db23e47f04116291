"""What was said, and when. Times are in seconds from the beginning of the recording."""

import msgspec


class Word(msgspec.Struct, kw_only=True):
    """*probability*: how sure the recogniser is."""

    word: str
    start: float
    end: float
    probability: float


class Segment(msgspec.Struct, kw_only=True):
    """What was said between two pauses. *words* is null where they were not asked for."""

    id: int
    text: str
    start: float
    end: float
    words: list[Word] | None = None


class Transcript(msgspec.Struct, kw_only=True):
    """A whole recording, in the shape of whisper-stt."""

    text: str
    language: str
    language_probability: float
    duration: float
    segments: list[Segment]

    def without_words(self) -> "Transcript":
        bare = [msgspec.structs.replace(segment, words=None) for segment in self.segments]
        return msgspec.structs.replace(self, segments=bare)


class Heard(msgspec.Struct, kw_only=True):
    """A language that is spoken, and how likely."""

    code: str
    probability: float


def transcript(segments: list[Segment], heard: Heard, duration: float) -> Transcript:
    return Transcript(
        text=" ".join(segment.text for segment in segments),
        language=heard.code,
        language_probability=heard.probability,
        duration=duration,
        segments=segments,
    )
