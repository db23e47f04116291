"""Checks of diarization and speaker verification; the speakers are two of the stack's own voices."""

from functools import partial

from ops.errors import WrongAnswerError
from ops.gateway.responses import DiarizationResponse, SpeakerTurn, VerificationResponse
from ops.smoke import sounds
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE
from ops.smoke.sounds import Sound

PAUSE_S = 0.5


def diarize(context: CheckContext) -> Figures:
    """Send one voice after the other: the speakers in the middle of each must differ."""
    first, second = (context.recordings.speech(SENTENCE, voice) for voice in context.recordings.voices)
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


def verify(is_same: bool, context: CheckContext) -> Figures:  # noqa: FBT001 - bound by name below
    """Compare a sentence with another by the same voice, or with itself by another voice."""
    voice, other = context.recordings.voices
    speech = context.recordings.speech
    left, right = speech(SENTENCE, voice), speech(OTHER_SENTENCE, voice) if is_same else speech(SENTENCE, other)
    files = {"file1": _file(left), "file2": _file(right)}
    response = context.client.json(VerificationResponse, "POST", "/speakers/verify", files=files)
    if response.is_same_speaker != is_same:
        mistake = "one voice was taken for two" if is_same else "two voices were taken for one"
        raise WrongAnswerError(
            f"{mistake}: similarity {response.similarity_score:.2f}, threshold {response.threshold:.2f}"
        )
    return {"similarity": round(response.similarity_score, 2), "threshold": round(response.threshold, 2)}


def _file(sound: Sound) -> tuple[str, bytes, str]:
    return "said.wav", sound.wav(), "audio/wav"


def _turns_text(turns: list[SpeakerTurn]) -> str:
    return ", ".join(f"{turn.speaker} {turn.start:.1f}-{turn.end:.1f} s" for turn in turns) or "no speaker"


CHECKS = (
    SmokeCheck(name="diarize", run=diarize, needs=("speech", "speakers")),
    SmokeCheck(name="verify same speaker", run=partial(verify, True), needs=("speech", "speakers")),
    SmokeCheck(name="verify other speaker", run=partial(verify, False), needs=("speech", "speakers")),
)
