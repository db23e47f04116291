"""Ollama: models on the CPU, loaded on demand from its volume; its options become `OllamaService.environment`."""

from components.backend import Backend


class Ollama(Backend):
    """One Ollama server; other components need only its `url`."""
