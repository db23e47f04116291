"""Checks of speech to text: the words of recordings by the stack's own voices must come back."""

from collections.abc import Callable

from ops.smoke.check import CheckContext, Figures, SmokeCheck
from ops.smoke.recordings import DIGITS, SENTENCE
from ops.smoke.round_trip import compared, transcript


def digits(context: CheckContext) -> Figures:
    """Transcribe digits, which may come back as words or as numerals."""
    return compared(DIGITS, {"default": transcript(context.client, context.model, context.recordings.speech(DIGITS))})


def sentence(context: CheckContext) -> Figures:
    """Transcribe a sentence in every tested voice; the worst transcript counts."""
    recordings = context.recordings
    transcripts = {
        voice: transcript(context.client, context.model, recordings.speech(SENTENCE, voice))
        for voice in recordings.voices
    }
    return {"voices": len(transcripts), **compared(SENTENCE, transcripts)}


def _check(name: str, run: Callable[[CheckContext], Figures]) -> SmokeCheck:
    return SmokeCheck(name=name, run=run, needs=("speech", "transcription"), each="transcription")


CHECKS = (_check("transcribe digits", digits), _check("transcribe sentence", sentence))
