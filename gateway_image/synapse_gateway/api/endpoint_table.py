"""Table of all endpoints of the gateway."""

from synapse_gateway.api import health
from synapse_gateway.api.audio import audio, speakers
from synapse_gateway.api.dashboard import inspector, pages, terminal_feed
from synapse_gateway.api.docs import pages as docs
from synapse_gateway.api.language import chat, pass_through, responses
from synapse_gateway.api.models import models, profiles
from synapse_gateway.api.ollama import ollama
from synapse_gateway.api.speech import openai_speech, tts
from synapse_gateway.api.transcription import openai_transcription, stt
from synapse_gateway.api.voices import voices
from synapse_gateway.server.endpoint import Table

FAMILIES = (
    pages.ENDPOINTS,
    terminal_feed.ENDPOINTS,
    health.ENDPOINTS,
    chat.ENDPOINTS,
    pass_through.ENDPOINTS,
    models.ENDPOINTS,
    profiles.ENDPOINTS,
    ollama.ENDPOINTS,
    responses.ENDPOINTS,
    voices.ENDPOINTS,
    tts.ENDPOINTS,
    openai_speech.ENDPOINTS,
    openai_transcription.ENDPOINTS,
    stt.ENDPOINTS,
    speakers.ENDPOINTS,
    audio.ENDPOINTS,
)


def table() -> Table:
    """Return the table that requests are dispatched by."""
    endpoints = [endpoint for family in FAMILIES for endpoint in family]
    return Table([*endpoints, *inspector.endpoints(endpoints), *docs.endpoints(endpoints)])
