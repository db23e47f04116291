"""Chunks of OpenAI streams, for translation to Ollama's API."""

from typing import Any

MESSAGES = [{"role": "user", "content": "Hi"}]


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def ended(reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
