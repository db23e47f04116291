"""CMU PocketSphinx with the English model of its package.

https://github.com/cmusphinx/pocketsphinx

A grammar (JSGF, https://www.w3.org/TR/jsgf/) restricts the words, which makes recognition far more accurate.
"""

from collections.abc import Iterator, Mapping, Sequence

from synapse_engines.audio.voice_activity import SpeechSpan, speech_spans
from synapse_engines.audio.waveform import Waveform
from synapse_engines.transcription.sphinx_process import RecognizedWord, SphinxProcess
from synapse_engines.transcription.transcript import DetectedLanguage, Segment, Transcript, Word, build_transcript
from synapse_engines.web.work_queue import CancelEvent

LANGUAGE = "en"
FRAMES_PER_SECOND = 100
PAUSE_S = 0.8
MARGIN_S = 0.3
"""Silence kept before and after speech, which the model needs to find the start of a word."""
NON_WORD_PREFIXES = ("<", "[", "+", "(")
"""First characters of the markers for silence, noise and grammar transitions."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _sequence_grammar(words: tuple[str, ...]) -> str:
    return f"#JSGF V1.0;\ngrammar words;\npublic <words> = ( {' | '.join(words)} )+;\n"


GRAMMARS: Mapping[str, str] = {"digits": _sequence_grammar(DIGITS)}
"""Model name -> JSGF grammar."""


class SphinxRecognizer:
    """Recognizer of English, or of the words of *grammar* only."""

    languages: Sequence[str] = (LANGUAGE,)

    def __init__(self, grammar: str | None = None) -> None:
        self._process = SphinxProcess(grammar)

    def transcribe(self, waveform: Waveform, language: str | None, cancel: CancelEvent) -> Transcript:  # noqa: ARG002 - it has one language
        segments: list[Segment] = []
        for span in speech_spans(waveform, PAUSE_S):
            words = list(self._words(waveform, span, cancel))
            if words:
                segments.append(_segment(len(segments) + 1, words))
        return build_transcript(segments, _english(), round(waveform.seconds, 3))

    def detect_languages(self, waveform: Waveform, cancel: CancelEvent) -> list[DetectedLanguage]:  # noqa: ARG002
        """Return English, the only language of the model."""
        return [_english()]

    def close(self) -> None:
        self._process.close()

    def _words(self, waveform: Waveform, span: SpeechSpan, cancel: CancelEvent) -> Iterator[Word]:
        start = max(span.start - MARGIN_S, 0.0)
        if not cancel.is_set():
            for recognized in self._process.decode(waveform.between(start, span.end + MARGIN_S).pcm(), cancel):
                if not recognized.word.startswith(NON_WORD_PREFIXES):
                    yield _word(recognized, start)


def _english() -> DetectedLanguage:
    return DetectedLanguage(code=LANGUAGE, probability=1.0)


def _word(recognized: RecognizedWord, start: float) -> Word:
    """Return the word with times in seconds; the dictionary marks alternative pronunciations as in "read(2)"."""
    return Word(
        word=recognized.word.partition("(")[0],
        start=round(start + recognized.start / FRAMES_PER_SECOND, 2),
        end=round(start + (recognized.end + 1) / FRAMES_PER_SECOND, 2),
        probability=round(min(max(recognized.probability, 0.0), 1.0), 3),
    )


def _segment(number: int, words: list[Word]) -> Segment:
    text = " ".join(word.word for word in words)
    return Segment(id=number, text=text, start=words[0].start, end=words[-1].end, words=words)
