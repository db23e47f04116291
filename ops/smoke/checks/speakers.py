"""Who speaks when, and whether two recordings are of one person; the people are two of the stack's own voices."""

from functools import partial

from ops.errors import WrongAnswerError
from ops.gateway.responses import Diarized, Turn, Verified
from ops.smoke import sounds
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.recordings import OTHER_SENTENCE, SENTENCE
from ops.smoke.sounds import Sound

PAUSE_S = 0.5


def diarize(talk: Talk) -> Figures:
    """One voice after the other: whoever speaks in the middle of each is somebody else."""
    first, second = (talk.recordings.said(SENTENCE, voice) for voice in talk.recordings.voices)
    talked = sounds.joined(first, sounds.silence(PAUSE_S, first.rate), second)
    files = {"file": ("talk.wav", talked.wav(), "audio/wav")}
    turns = talk.ask.json(Diarized, "POST", "/speakers/diarize", data={"num_speakers": "2"}, files=files).segments
    middles = first.seconds / 2, first.seconds + PAUSE_S + second.seconds / 2
    speakers = [speaking(turns, at_s) for at_s in middles]
    if None in speakers or len(set(speakers)) != 2:
        raise WrongAnswerError(f"two voices, one after the other, were heard as {_told(turns)}")
    return {"speakers": len({turn.speaker for turn in turns}), "turns": len(turns)}


def speaking(turns: list[Turn], at_s: float) -> str | None:
    """Who does, at that second."""
    return next((turn.speaker for turn in turns if turn.start <= at_s < turn.end), None)


def verify(is_same: bool, talk: Talk) -> Figures:  # noqa: FBT001 - bound by name below
    """Another sentence of the same voice, or the same sentence in another."""
    own, other = talk.recordings.voices
    said = talk.recordings.said
    left, right = said(SENTENCE, own), said(OTHER_SENTENCE, own) if is_same else said(SENTENCE, other)
    files = {"file1": _file(left), "file2": _file(right)}
    found = talk.ask.json(Verified, "POST", "/speakers/verify", files=files)
    if found.is_same_speaker != is_same:
        who = "one voice was taken for two" if is_same else "two voices were taken for one"
        raise WrongAnswerError(f"{who}: similarity {found.similarity_score:.2f}, threshold {found.threshold:.2f}")
    return {"similarity": round(found.similarity_score, 2), "threshold": round(found.threshold, 2)}


def _file(sound: Sound) -> tuple[str, bytes, str]:
    return "said.wav", sound.wav(), "audio/wav"


def _told(turns: list[Turn]) -> str:
    told = (f"{turn.speaker} {turn.start:.1f}-{turn.end:.1f} s" for turn in turns)
    return ", ".join(told) or "nobody"


CHECKS = (
    Check(name="diarize", ask=diarize, needs=("speech", "speakers")),
    Check(name="verify same speaker", ask=partial(verify, True), needs=("speech", "speakers")),
    Check(name="verify other speaker", ask=partial(verify, False), needs=("speech", "speakers")),
)
