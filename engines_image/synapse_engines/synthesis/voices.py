"""Voices by the names that clients use, and the voice that imitates a reference recording."""

from collections.abc import Mapping

import numpy as np

from synapse_engines.audio.pitch import median_pitch
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import FailedError
from synapse_engines.synthesis.espeak import EspeakVoice

FEMALE_VARIANTS, MALE_VARIANTS = ("f1", "f2", "f3", "f4", "f5"), ("m1", "m2", "m3", "m4", "m5", "m6", "m7")
FEMALE_NAMES = (
    *("Abigail", "Alice", "Cora", "Elena", "Emily", "Gianna"),
    *("Jade", "Jordan", "Layla", "Olivia", "Taylor"),
)
MALE_NAMES = (
    *("Adrian", "Alexander", "Austin", "Axel", "Connor", "Eli"),
    *("Everett", "Gabriel", "Henry", "Ian", "Jeremiah", "Julian"),
    *("Leonardo", "Michael", "Miles", "Ryan", "Thomas"),
)
MIN_REFERENCE_S = 5.0
"""Length that a reference must exceed, as for Chatterbox."""
FEMALE_FROM_HZ = 165.0
"""Pitch above which a reference gets the female variant."""
PITCH_STEPS = (0, 25, 50, 75, 99)
MEASURED_HZ = {"m3": (69.0, 82.0, 103.0, 132.0, 171.0), "f2": (126.0, 155.0, 192.0, 247.0, 320.0)}
"""Measured pitch of two variants at each of the pitch steps of espeak-ng."""


def _assign(names: tuple[str, ...], variants: tuple[str, ...]) -> dict[str, EspeakVoice]:
    """Assign a variant to each name in turn, with a higher pitch in each further round."""
    return {
        f"{name}.wav": EspeakVoice(variants[index % len(variants)], 50 + 14 * (index // len(variants)))
        for index, name in enumerate(names)
    }


CHATTERBOX: Mapping[str, EspeakVoice] = dict(
    sorted({**_assign(FEMALE_NAMES, FEMALE_VARIANTS), **_assign(MALE_NAMES, MALE_VARIANTS)}.items())
)
"""The 28 voices of the Chatterbox TTS server."""
PIPER: Mapping[str, EspeakVoice] = {
    "alloy": EspeakVoice("f2", 45),
    "echo": EspeakVoice("m2"),
    "fable": EspeakVoice("m5", 60),
    "onyx": EspeakVoice("m7", 35),
    "nova": EspeakVoice("f3", 60),
    "shimmer": EspeakVoice("f5", 70),
}
"""OpenAI's six voices, as openedai-speech has them."""


def clone_voice(reference: Waveform) -> EspeakVoice:
    """Return the voice with the pitch of *reference*. Raises FailedError for a short or voiceless recording."""
    if reference.seconds <= MIN_REFERENCE_S:
        raise FailedError(f"the reference has {reference.seconds:.1f} s; more than {MIN_REFERENCE_S:g} s are needed")
    hz = median_pitch(reference)
    if hz is None:
        raise FailedError("there is no voice in the reference")
    variant = "f2" if hz > FEMALE_FROM_HZ else "m3"
    return EspeakVoice(variant, round(float(np.interp(hz, MEASURED_HZ[variant], PITCH_STEPS))))
