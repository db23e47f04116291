"""Checks of the voice library: a voice is created, listed, spoken in where an engine clones, and deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ops.errors import WrongAnswerError
from ops.gateway.responses import VoiceResponse
from ops.smoke import round_trip, sounds, traits
from ops.smoke.bounds import at_least
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.checks.speakers import compare, judged
from ops.smoke.checks.speech import audible
from ops.smoke.recordings import CLONEABLE_S, CLONED_SENTENCE, OTHER_SENTENCE, SENTENCE, synthesize
from ops.smoke.sounds import Sound

NAME: Final = "synapse-smoke"
CLONING: Final = "chatterbox"
"""API of the engines that speak in a voice of the library."""
MIN_NEARER: Final = 0.1
"""Least difference between the similarity of the clone to its reference and that of the default voice."""


def voices(context: CheckContext) -> Figures:
    with _voice(context, sounds.tone(CLONEABLE_S)) as voice_id:
        if voice_id not in _voice_ids(context):
            raise WrongAnswerError(f"the voice {voice_id} was created and is not in the list")
    remaining = _voice_ids(context)
    if voice_id in remaining:
        raise WrongAnswerError(f"the voice {voice_id} was deleted and is still in the list")
    return {"voices": len(remaining)}


def clone(context: CheckContext) -> Figures:
    """Speak in a voice of the library: the sound must be nearer to its recording than the default voice is.

    An engine that clones must also convince the speaker engine.
    """
    recordings = context.recordings
    voice = recordings.voices[min(1, len(recordings.voices) - 1)]
    reference = sounds.join(*(recordings.speech(text, voice) for text in (SENTENCE, OTHER_SENTENCE)))
    with _voice(context, reference) as voice_id:
        cloned = synthesize(context.client, CLONED_SENTENCE, voice_id)
    default = recordings.speech(CLONED_SENTENCE)
    if cloned == default:
        raise WrongAnswerError("the cloned voice is the default voice, sample by sample")
    figures = {"cloning": "by the engine" if _clones(context) else "nearest voice", **audible(cloned)}
    heard = round_trip.transcribed(context, {"cloned": cloned}, CLONED_SENTENCE)
    return {**figures, **heard, **_likeness(context, reference, cloned, default)}


def _likeness(context: CheckContext, reference: Sound, cloned: Sound, default: Sound) -> Figures:
    """Return the similarity of *cloned* to *reference*, beside that of *default*, where a service compares speakers."""
    if not any("speakers" in service.backend.tasks for service in context.plan.services):
        return {"compared": "no: the stack has no service for speakers"}
    response = compare(context, reference, cloned)
    other = compare(context, reference, default).similarity_score
    similarity = response.similarity_score
    figures = judged(response, is_same=True) if _clones(context) else {"similarity": round(similarity, 3)}
    reason = f"the clone has a similarity of {similarity:.2f} to its reference, the default voice of {other:.2f}"
    return {**figures, "default_voice": round(other, 3), **at_least("nearer", similarity - other, MIN_NEARER, reason)}


def _clones(context: CheckContext) -> bool:
    services = (service for service in context.plan.services if service.backend.adapter == CLONING)
    return all(traits.clones(service) for service in services)


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
    SmokeCheck(name="clone", run=clone, needs=("speech",), uses=("transcription", "speakers"), adapter=CLONING),
)
