"""Checks of speech to text: the words of a recording by the stack's own voice must come back."""

from collections.abc import Callable

from ops.errors import WrongAnswerError
from ops.gateway.responses import TranscriptResponse
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import DIGITS, SENTENCE
from ops.smoke.scope import transcriber
from ops.smoke.word_error_rate import word_error_rate

MAX_DIGITS_WER = 0.0
MAX_SENTENCE_WER = 0.25
ANY_WER = float("inf")
"""The rate is reported and never a failure."""


def digits(context: CheckContext) -> Figures:
    """Transcribe digits; the built-in recogniser must get them right only with the vocabulary `digits`."""
    is_strict = _has_full_model(context) or _vocabulary(context) == "digits"
    return transcribe(context, DIGITS, MAX_DIGITS_WER if is_strict else ANY_WER)


def sentence(context: CheckContext) -> Figures:
    return transcribe(context, SENTENCE, MAX_SENTENCE_WER if _has_full_model(context) else ANY_WER)


def transcribe(context: CheckContext, text: str, most: float) -> Figures:
    """Transcribe *text*; its word error rate may be at most *most*."""
    form = {"language": "en"} if context.model is None else {"language": "en", "model": context.model}
    files = {"file": ("said.wav", context.recordings.speech(text).wav(), "audio/wav")}
    response = context.client.json(TranscriptResponse, "POST", "/stt/transcribe", data=form, files=files)
    heard = response.text.strip()
    rate = word_error_rate(text, heard)
    if rate > most:
        raise WrongAnswerError(f"heard {heard!r} for {text!r}: word error rate {rate:.2f}, at most {most:.2f} expected")
    return {"heard": heard, "word_error_rate": round(rate, 2)}


def _has_full_model(context: CheckContext) -> bool:
    return transcriber(context.plan, context.model).options.engine != "cpu"


def _vocabulary(context: CheckContext) -> str | None:
    return transcriber(context.plan, context.model).options.recognizes


def _check(name: str, run: Callable[[CheckContext], Figures]) -> SmokeCheck:
    return SmokeCheck(name=name, run=run, needs=("speech", "transcription"), each="transcription")


CHECKS = (_check("transcribe digits", digits), _check("transcribe sentence", sentence))
