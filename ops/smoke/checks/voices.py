"""The library of voices: one is made, listed, spoken in where an engine clones, and deleted again."""

from collections.abc import Iterator
from contextlib import contextmanager

from ops.errors import WrongAnswerError
from ops.gateway.responses import Voice
from ops.smoke import sounds
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.checks.speech import audible
from ops.smoke.recordings import CLONEABLE_S, DIGITS, OTHER_SENTENCE, SENTENCE, synthesized
from ops.smoke.sounds import Sound

NAME = "synapse-smoke"


def voices(talk: Talk) -> Figures:
    with _made(talk, sounds.tone(CLONEABLE_S)) as voice_id:
        if voice_id not in _listed(talk):
            raise WrongAnswerError(f"the voice {voice_id} was made and is not in the list")
    left = _listed(talk)
    if voice_id in left:
        raise WrongAnswerError(f"the voice {voice_id} was deleted and is still in the list")
    return {"voices": len(left)}


def clone(talk: Talk) -> Figures:
    said = [talk.recordings.said(text) for text in (SENTENCE, OTHER_SENTENCE)]
    with _made(talk, sounds.joined(*said)) as voice_id:
        return audible(synthesized(talk.ask, DIGITS, voice_id))


@contextmanager
def _made(talk: Talk, reference: Sound) -> Iterator[str]:
    """A voice of the library, for as long as it is used."""
    files = {"files": ("reference.wav", reference.wav(), "audio/wav")}
    voice_id = talk.ask.json(Voice, "POST", "/voices", data={"name": NAME}, files=files).voice_id
    try:
        yield voice_id
    finally:
        talk.ask.content("DELETE", f"/voices/{voice_id}")


def _listed(talk: Talk) -> list[str]:
    return [voice.voice_id for voice in talk.ask.json(list[Voice], "GET", "/voices")]


CHECKS = (
    Check(name="voices", ask=voices),
    Check(name="clone", ask=clone, needs=("speech",), adapter="chatterbox"),
)
