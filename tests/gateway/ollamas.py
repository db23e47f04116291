"""Pieces of OpenAI's streams, to be translated for a client of Ollama's API."""

from typing import Any

MESSAGES = [{"role": "user", "content": "Hi"}]


def delta(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said, "finish_reason": None}]}


def ended(reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
