"""Checks of text to speech: by the gateway's own API, and by OpenAI's for every model."""

from ops.errors import WrongAnswerError
from ops.smoke import recordings
from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import DIGITS, speak
from ops.smoke.scope import voices
from ops.smoke.sounds import Sound

SHORTEST_S = 0.4
"""No voice says four digits faster."""
QUIETEST = 50.0
"""Root mean square below which a recording counts as silent."""


def synthesize(context: CheckContext) -> Figures:
    return audible(recordings.synthesize(context.client, DIGITS))


def speech(context: CheckContext) -> Figures:
    return audible(speak(context.client, context.model, DIGITS, voices(context.plan, context.model)[0]))


def audible(sound: Sound) -> Figures:
    """Return the length and the rate. Raises WrongAnswerError for a sound too short or too quiet to be speech."""
    if sound.seconds < SHORTEST_S or sound.loudness() < QUIETEST:
        raise WrongAnswerError(f"{sound.seconds:.2f} s of sound with a loudness of {sound.loudness():.0f}: no speech")
    return {"sound_s": round(sound.seconds, 2), "rate_hz": sound.rate}


CHECKS = (
    SmokeCheck(name="synthesize", run=synthesize, needs=("speech",)),
    SmokeCheck(name="speech", run=speech, needs=("speech",), each="speech"),
)
