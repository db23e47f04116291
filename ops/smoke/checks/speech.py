"""Checks of text to speech: by the gateway's own API, and by OpenAI's for every model, in several voices."""

from typing import Final

from ops.smoke import recordings, round_trip
from ops.smoke.bounds import at_least
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import DIGITS, SENTENCE, speak
from ops.smoke.scope import voices
from ops.smoke.sounds import Sound

MIN_SOUND_S: Final = 0.4
"""No voice says four digits faster."""
MIN_LOUDNESS: Final = 50
"""Root mean square below which a recording counts as silent."""


def synthesize(context: CheckContext) -> Figures:
    """Speak digits in the default voice; they must be understood."""
    sound = recordings.synthesize(context.client, DIGITS)
    context.recordings.keep(DIGITS, None, sound)
    return {**audible(sound), **round_trip.transcribed(context, {"default": sound}, DIGITS)}


def speech(context: CheckContext) -> Figures:
    """Speak a sentence in every tested voice of the model; each must be understood."""
    names = voices(context.plan, context.model)
    sounds = {name: speak(context.client, context.model, SENTENCE, name) for name in names}
    if context.model == context.recordings.model:
        for name, sound in sounds.items():
            context.recordings.keep(SENTENCE, name, sound)
    shortest = min((audible(sound) for sound in sounds.values()), key=lambda figures: float(figures["sound_s"]))
    return {"voices": len(sounds), **shortest, **round_trip.transcribed(context, sounds, SENTENCE)}


def audible(sound: Sound) -> Figures:
    """Return length, loudness and rate. Raises WrongAnswerError for a sound too short or too quiet to be speech."""
    return {
        **at_least("sound_s", sound.seconds, MIN_SOUND_S, "no speech"),
        **at_least("loudness", round(sound.loudness()), MIN_LOUDNESS, "no speech"),
        "rate_hz": sound.rate,
    }


CHECKS = (
    SmokeCheck(name="synthesize", run=synthesize, needs=("speech",), uses=("transcription",)),
    SmokeCheck(name="speech", run=speech, needs=("speech",), uses=("transcription",), each="speech"),
)
