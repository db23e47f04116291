"""Every check there is, in the order they are asked; to add one, add it to the file of its topic."""

from ops.smoke.check import Check
from ops.smoke.checks import audio, introspection, language, router, speakers, speech, transcription, voices

CHECKS: tuple[Check, ...] = (
    *introspection.FIRST,
    *language.CHECKS,
    *speech.CHECKS,
    *transcription.CHECKS,
    *speakers.CHECKS,
    *audio.CHECKS,
    *voices.CHECKS,
    *router.CHECKS,
    *introspection.LAST,
)
