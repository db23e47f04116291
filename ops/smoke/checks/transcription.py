"""Speech to text, of what the stack itself said: the words must come back."""

from collections.abc import Callable

from ops.errors import WrongAnswerError
from ops.gateway.responses import Transcript
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.recordings import DIGITS, SENTENCE
from ops.smoke.scope import listener
from ops.smoke.word_error_rate import error_rate

MOST_WRONG_DIGITS = 0.0
MOST_WRONG = 0.25
"""Of the words of a sentence."""
ANY = float("inf")
"""What comes back is told and not judged."""


def digits(talk: Talk) -> Figures:
    """The recogniser that needs no download is held to them where it listens for nothing else."""
    is_judged = _has_a_whole_model(talk) or _vocabulary(talk) == "digits"
    return transcribe(talk, DIGITS, MOST_WRONG_DIGITS if is_judged else ANY)


def sentence(talk: Talk) -> Figures:
    return transcribe(talk, SENTENCE, MOST_WRONG if _has_a_whole_model(talk) else ANY)


def transcribe(talk: Talk, text: str, most: float) -> Figures:
    """Hear *text*, of whose words at most a share of *most* may come back wrong."""
    form = {"language": "en"} if talk.model is None else {"language": "en", "model": talk.model}
    files = {"file": ("said.wav", talk.recordings.said(text).wav(), "audio/wav")}
    heard = talk.ask.json(Transcript, "POST", "/stt/transcribe", data=form, files=files).text.strip()
    rate = error_rate(text, heard)
    if rate > most:
        raise WrongAnswerError(f"heard {heard!r} for {text!r}: word error rate {rate:.2f}, at most {most:.2f} expected")
    return {"heard": heard, "word_error_rate": round(rate, 2)}


def _has_a_whole_model(talk: Talk) -> bool:
    return listener(talk.plan, talk.model).options.engine != "cpu"


def _vocabulary(talk: Talk) -> str | None:
    return listener(talk.plan, talk.model).options.recognizes


def _check(name: str, ask: Callable[[Talk], Figures]) -> Check:
    return Check(name=name, ask=ask, needs=("speech", "transcription"), each="transcription")


CHECKS = (_check("transcribe digits", digits), _check("transcribe sentence", sentence))
