"""CMU PocketSphinx with the English model of its package.

https://github.com/cmusphinx/pocketsphinx
"""

from collections.abc import Iterator, Sequence

from synapse_engines.audio.activity import Span, spoken
from synapse_engines.audio.sound import Sound
from synapse_engines.hearing.transcript import Heard, Segment, Transcript, Word, transcript
from synapse_engines.hearing.worker import Found, Worker
from synapse_engines.web.turns import Stop

LANGUAGE = "en"
FRAMES_A_SECOND = 100
PAUSE_S = 0.8
MARGIN_S = 0.3
"""Quiet before and after what is said, from which the model tells where it begins."""
NO_WORDS = ("<", "[", "+", "(")
"""How silence, noise and what grammars put between words are written."""


class Sphinx:
    """Listens for English, or for *grammar* alone."""

    languages: Sequence[str] = (LANGUAGE,)

    def __init__(self, grammar: str | None = None) -> None:
        self._worker = Worker(grammar)

    def transcribe(self, sound: Sound, language: str | None, stop: Stop) -> Transcript:  # noqa: ARG002 - it knows one
        segments: list[Segment] = []
        for span in spoken(sound, PAUSE_S):
            words = list(self._words(sound, span, stop))
            if words:
                segments.append(_segment(len(segments) + 1, words))
        return transcript(segments, Heard(code=LANGUAGE, probability=1.0), round(sound.seconds, 3))

    def detect(self, sound: Sound, stop: Stop) -> list[Heard]:  # noqa: ARG002
        """It knows no other language."""
        return [Heard(code=LANGUAGE, probability=1.0)]

    def close(self) -> None:
        self._worker.close()

    def _words(self, sound: Sound, span: Span, stop: Stop) -> Iterator[Word]:
        start = max(span.start - MARGIN_S, 0.0)
        if not stop.is_set():
            for found in self._worker.decode(sound.between(start, span.end + MARGIN_S).pcm(), stop):
                if not found.word.startswith(NO_WORDS):
                    yield _word(found, start)


def _word(found: Found, start: float) -> Word:
    """A word of the dictionary has its other pronunciations as "read(2)"."""
    return Word(
        word=found.word.partition("(")[0],
        start=round(start + found.start / FRAMES_A_SECOND, 2),
        end=round(start + (found.end + 1) / FRAMES_A_SECOND, 2),
        probability=round(min(max(found.probability, 0.0), 1.0), 3),
    )


def _segment(number: int, words: list[Word]) -> Segment:
    text = " ".join(word.word for word in words)
    return Segment(id=number, text=text, start=words[0].start, end=words[-1].end, words=words)
