"""Ollama's API, translated to OpenAI's for backends that are not an Ollama."""
