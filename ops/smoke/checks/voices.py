"""Checks of the voice library: a voice is created, listed, spoken in where an engine clones, and deleted."""

from collections.abc import Iterator
from contextlib import contextmanager

from ops.errors import WrongAnswerError
from ops.gateway.responses import VoiceResponse
from ops.smoke import sounds
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.checks.speech import audible
from ops.smoke.recordings import CLONEABLE_S, DIGITS, OTHER_SENTENCE, SENTENCE, synthesize
from ops.smoke.sounds import Sound

NAME = "synapse-smoke"


def voices(context: CheckContext) -> Figures:
    with _voice(context, sounds.tone(CLONEABLE_S)) as voice_id:
        if voice_id not in _voice_ids(context):
            raise WrongAnswerError(f"the voice {voice_id} was created and is not in the list")
    remaining = _voice_ids(context)
    if voice_id in remaining:
        raise WrongAnswerError(f"the voice {voice_id} was deleted and is still in the list")
    return {"voices": len(remaining)}


def clone(context: CheckContext) -> Figures:
    references = [context.recordings.speech(text) for text in (SENTENCE, OTHER_SENTENCE)]
    with _voice(context, sounds.join(*references)) as voice_id:
        return audible(synthesize(context.client, DIGITS, voice_id))


@contextmanager
def _voice(context: CheckContext, reference: Sound) -> Iterator[str]:
    """Yield the ID of a new voice, and delete it at the end."""
    files = {"files": ("reference.wav", reference.wav(), "audio/wav")}
    voice_id = context.client.json(VoiceResponse, "POST", "/voices", data={"name": NAME}, files=files).voice_id
    try:
        yield voice_id
    finally:
        context.client.content("DELETE", f"/voices/{voice_id}")


def _voice_ids(context: CheckContext) -> list[str]:
    return [voice.voice_id for voice in context.client.json(list[VoiceResponse], "GET", "/voices")]


CHECKS = (
    SmokeCheck(name="voices", run=voices),
    SmokeCheck(name="clone", run=clone, needs=("speech",), adapter="chatterbox"),
)
