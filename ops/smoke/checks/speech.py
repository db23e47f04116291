"""Text to speech: by the gateway's own API, and by OpenAI's for every model."""

from ops.errors import WrongAnswerError
from ops.smoke.check import Check, Figures, Talk
from ops.smoke.recordings import DIGITS, spoken, synthesized
from ops.smoke.scope import voices
from ops.smoke.sounds import Sound

SHORTEST_S = 0.4
"""Nobody says four digits faster."""
QUIETEST = 50.0
"""Root mean square below which a recording counts as silent."""


def synthesize(talk: Talk) -> Figures:
    return audible(synthesized(talk.ask, DIGITS))


def speech(talk: Talk) -> Figures:
    return audible(spoken(talk.ask, talk.model, DIGITS, voices(talk.plan, talk.model)[0]))


def audible(sound: Sound) -> Figures:
    """What was said, measured. Raises WrongAnswerError for what is too short or too quiet to be speech."""
    if sound.seconds < SHORTEST_S or sound.loudness() < QUIETEST:
        raise WrongAnswerError(f"{sound.seconds:.2f} s of sound with a loudness of {sound.loudness():.0f}: no speech")
    return {"sound_s": round(sound.seconds, 2), "rate_hz": sound.rate}


CHECKS = (
    Check(name="synthesize", ask=synthesize, needs=("speech",)),
    Check(name="speech", ask=speech, needs=("speech",), each="speech"),
)
