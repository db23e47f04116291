"""Checks of diarization and speaker verification; the speakers are two of the stack's own voices."""

from collections.abc import Callable
from typing import Final

from ops.errors import WrongAnswerError
from ops.gateway.responses import DiarizationResponse, SpeakerTurn, VerificationResponse
from ops.smoke import sounds
from ops.smoke.bounds import at_least, at_most
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE
from ops.smoke.sounds import Sound

PAUSE_S: Final = 0.5
MIN_MARGIN: Final = 0.1
"""Least difference between the similarity of one voice and that of two; it is a cosine, at most 1."""


def diarize(context: CheckContext) -> Figures:
    """Send one voice after the other: the speakers in the middle of each must differ."""
    first, second = (context.recordings.speech(SENTENCE, voice) for voice in context.recordings.voices[:2])
    dialogue = sounds.join(first, sounds.silence(PAUSE_S, first.rate), second)
    files = {"file": ("talk.wav", dialogue.wav(), "audio/wav")}
    form = {"num_speakers": "2"}
    response = context.client.json(DiarizationResponse, "POST", "/speakers/diarize", data=form, files=files)
    turns = response.segments
    middles = first.seconds / 2, first.seconds + PAUSE_S + second.seconds / 2
    speakers = [speaker_at(turns, at_s) for at_s in middles]
    if None in speakers or len(set(speakers)) != 2:
        raise WrongAnswerError(f"two voices, one after the other, were diarized as {_turns_text(turns)}")
    return {"speakers": len({turn.speaker for turn in turns}), "turns": len(turns)}


def speaker_at(turns: list[SpeakerTurn], at_s: float) -> str | None:
    return next((turn.speaker for turn in turns if turn.start <= at_s < turn.end), None)


def verify_same(context: CheckContext) -> Figures:
    """Compare two sentences in one voice."""
    response = _compare(context, same_voice=True)
    return judged(response, is_same=True)


def verify_other(context: CheckContext) -> Figures:
    """Compare a sentence in two voices; they must be less alike than two sentences in one voice, by MIN_MARGIN."""
    figures = judged(_compare(context, same_voice=False), is_same=False)
    same = _compare(context, same_voice=True).similarity_score
    margin = same - float(figures["similarity"])
    return {**figures, **at_least("margin", margin, MIN_MARGIN, f"one voice has a similarity of {same:.2f}")}


def compare(context: CheckContext, left: Sound, right: Sound) -> VerificationResponse:
    """Return the speaker engine's comparison of two recordings. Raises WrongAnswerError."""
    files = {"file1": _file(left), "file2": _file(right)}
    return context.client.json(VerificationResponse, "POST", "/speakers/verify", files=files)


def judged(response: VerificationResponse, *, is_same: bool) -> Figures:
    """Return the similarity and the engine's threshold. Raises WrongAnswerError for the wrong verdict."""
    mistake = "one voice was taken for two" if is_same else "two voices were taken for one"
    bound = at_least if is_same else at_most
    figures = bound("similarity", response.similarity_score, response.threshold, mistake)
    if response.is_same_speaker != is_same:
        raise WrongAnswerError(f"{mistake}: similarity {response.similarity_score:.2f}")
    return figures


def _compare(context: CheckContext, *, same_voice: bool) -> VerificationResponse:
    voice, other, *_ = context.recordings.voices
    speech = context.recordings.speech
    right = speech(OTHER_SENTENCE, voice) if same_voice else speech(SENTENCE, other)
    return compare(context, speech(SENTENCE, voice), right)


def _file(sound: Sound) -> tuple[str, bytes, str]:
    return "said.wav", sound.wav(), "audio/wav"


def _turns_text(turns: list[SpeakerTurn]) -> str:
    return ", ".join(f"{turn.speaker} {turn.start:.1f}-{turn.end:.1f} s" for turn in turns) or "no speaker"


def _check(name: str, run: Callable[[CheckContext], Figures]) -> SmokeCheck:
    return SmokeCheck(name=name, run=run, needs=("speech", "speakers"), voices=2)


CHECKS = (
    _check("diarize", diarize),
    _check("verify same speaker", verify_same),
    _check("verify other speaker", verify_other),
)
