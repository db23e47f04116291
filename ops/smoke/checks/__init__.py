"""All smoke checks, in the order they run; a new one goes into the file of its topic."""

from ops.smoke.check import SmokeCheck
from ops.smoke.checks import audio, chat, embeddings, introspection, router, speakers, speech, transcription, voices

CHECKS: tuple[SmokeCheck, ...] = (
    *introspection.FIRST,
    *embeddings.CHECKS,
    *chat.CHECKS,
    *speech.CHECKS,
    *transcription.CHECKS,
    *speakers.CHECKS,
    *audio.CHECKS,
    *voices.CHECKS,
    *router.CHECKS,
    *introspection.LAST,
)
