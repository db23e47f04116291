"""Round trip: spoken words are transcribed, and compared with the text that was spoken."""

from collections.abc import Mapping
from typing import Final

from ops.gateway.client import GatewayClient
from ops.gateway.responses import TranscriptResponse
from ops.smoke.bounds import at_most
from ops.smoke.check import CheckContext, Figures
from ops.smoke.scope import models
from ops.smoke.sounds import Sound
from ops.smoke.word_error_rate import word_error_rate

MAX_WORD_ERROR_RATE: Final = 0.15
NO_TRANSCRIPTION: Final[Figures] = {"transcribed": "no: the stack has no service for transcription"}


def transcribed(context: CheckContext, sounds: Mapping[str, Sound], text: str) -> Figures:
    """Return the figures of *sounds*, voice -> *text* spoken in it; by the stack's first transcription model."""
    if not any("transcription" in service.backend.tasks for service in context.plan.services):
        return NO_TRANSCRIPTION
    model = models(context.plan, "transcription")[0]
    return compared(text, {voice: transcript(context.client, model, sound) for voice, sound in sounds.items()})


def transcript(client: GatewayClient, model: str | None, sound: Sound) -> str:
    """Return the transcript of English speech. Raises WrongAnswerError."""
    form = {"language": "en"} if model is None else {"language": "en", "model": model}
    files = {"file": ("said.wav", sound.wav(), "audio/wav")}
    return client.json(TranscriptResponse, "POST", "/stt/transcribe", data=form, files=files).text.strip()


def compared(text: str, transcripts: Mapping[str, str]) -> Figures:
    """Return the worst of *transcripts*, voice -> transcript. Raises WrongAnswerError for too many wrong words."""
    rates = {voice: word_error_rate(text, heard) for voice, heard in transcripts.items()}
    worst = max(rates, key=lambda voice: rates[voice])
    reason = f"heard {transcripts[worst]!r} for {text!r} in the voice {worst}"
    return {"heard": transcripts[worst], **at_most("word_error_rate", rates[worst], MAX_WORD_ERROR_RATE, reason)}
