"""Segments and words of a result of onnx-asr, which has tokens with the times of their starts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from statistics import fmean

from faster_whisper.transcribe import get_compression_ratio
from onnx_asr.asr import TimestampedResult

from synapse_engines.transcription.transcript import Scores, Segment, Word

TOKEN_S = 0.24
"""A token has no end: it lasts until the next one, up to this."""


@dataclass(frozen=True)
class _Token:
    text: str
    start: float
    logprob: float


def segment(result: TimestampedResult, seconds: float, *, with_words: bool) -> Segment:
    """Return the result of a piece of *seconds* as one segment."""
    words = list(_words(result, seconds)) if with_words else None
    return Segment(
        id=1,
        text=f" {result.text.strip()}",
        start=words[0].start if words else 0.0,
        end=words[-1].end if words else seconds,
        words=words,
        token_count=len(result.tokens or ()),
        scores=Scores(
            avg_logprob=fmean(result.logprobs) if result.logprobs else None,
            compression_ratio=get_compression_ratio(result.text),
        ),
    )


def _words(result: TimestampedResult, seconds: float) -> Iterator[Word]:
    starts = result.timestamps or []
    logprobs = result.logprobs or [0.0] * len(starts)
    words = _by_word([_Token(*each) for each in zip(result.tokens or [], starts, logprobs, strict=True)])
    nexts = [*(word[0].start for word in words[1:]), seconds]
    for tokens, next_start in zip(words, nexts, strict=True):
        yield Word(
            word="".join(token.text for token in tokens).strip(),
            start=tokens[0].start,
            end=min(tokens[-1].start + TOKEN_S, next_start),
            probability=round(min(exp(fmean(token.logprob for token in tokens)), 1.0), 3),
        )


def _by_word(tokens: Sequence[_Token]) -> list[list[_Token]]:
    """Return the tokens of each word: a word begins with a space."""
    words: list[list[_Token]] = []
    for token in tokens:
        if token.text.startswith(" ") or not words:
            words.append([token])
        else:
            words[-1].append(token)
    return words
