"""Every endpoint of the gateway, family by family."""

from synapse_gateway.endpoint import Table
from synapse_gateway.routes import (
    audio,
    chat,
    dashboard,
    docs,
    health,
    inspector,
    language,
    models,
    ollama,
    openai_audio,
    profiles,
    responses,
    speakers,
    speech,
    stt,
    terminal,
    tts,
    voices,
)

FAMILIES = (
    dashboard.ENDPOINTS,
    terminal.ENDPOINTS,
    health.ENDPOINTS,
    chat.ENDPOINTS,
    language.ENDPOINTS,
    models.ENDPOINTS,
    profiles.ENDPOINTS,
    ollama.ENDPOINTS,
    responses.ENDPOINTS,
    voices.ENDPOINTS,
    tts.ENDPOINTS,
    speech.ENDPOINTS,
    openai_audio.ENDPOINTS,
    stt.ENDPOINTS,
    speakers.ENDPOINTS,
    audio.ENDPOINTS,
)


def table() -> Table:
    endpoints = [endpoint for family in FAMILIES for endpoint in family]
    return Table([*endpoints, *inspector.endpoints(endpoints), *docs.endpoints(endpoints)])
