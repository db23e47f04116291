"""The voice of a recording, as far as it goes here: its pitch, and the variant that is made for such a pitch."""

import numpy as np

from synapse_engines.audio.pitch import pitch
from synapse_engines.audio.sound import Sound
from synapse_engines.errors import FailedError
from synapse_engines.voice.espeak import Voice

LEAST_S = 5.0
"""Chatterbox wants more."""
DIVIDE_HZ = 165.0
"""Between men's voices and women's."""
STEPS = (0, 25, 50, 75, 99)
MEASURED_HZ = {"m3": (69.0, 82.0, 103.0, 132.0, 171.0), "f2": (126.0, 155.0, 192.0, 247.0, 320.0)}
"""The pitch of a man's and a woman's variant at each step of espeak-ng's scale."""


def voice_of(reference: Sound) -> Voice:
    """Raises FailedError for a recording that is too short, or has no voice in it."""
    if reference.seconds <= LEAST_S:
        raise FailedError(f"the reference has {reference.seconds:.1f} s; more than {LEAST_S:g} s are needed")
    hz = pitch(reference)
    if hz is None:
        raise FailedError("there is no voice in the reference")
    variant = "f2" if hz > DIVIDE_HZ else "m3"
    return Voice(variant, round(float(np.interp(hz, MEASURED_HZ[variant], STEPS))))
