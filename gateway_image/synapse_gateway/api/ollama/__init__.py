"""Ollama's API in front of backends that speak OpenAI's."""
