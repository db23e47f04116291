"""A conversation as OpenAI's API writes it: images as parts of a message, calls of tools by id."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.ollama.schema import Message, ToolCall

IMAGES: Mapping[str, str] = {"/9j/": "image/jpeg", "iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""The type of an image by how its base64 begins."""
Pending = list[tuple[str, str]]  # calls that wait for their result: id, name of the function


def translated(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    """*messages* in OpenAI's shape."""
    pending: Pending = []
    for message in messages:
        found: dict[str, Any] = {"role": message.role, "content": content(message.content or "", message.images)}
        if message.tool_calls:
            found["tool_calls"] = [_call(call, pending) for call in message.tool_calls]
        if message.role == "tool":
            found["tool_call_id"] = message.tool_call_id or _answered(message.tool_name, pending)
        yield found


def content(text: str, images: Iterable[str] | None) -> str | list[dict[str, Any]]:
    """*text*, and *images* in base64, as the content of a message."""
    if not images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return [*parts, *({"type": "image_url", "image_url": {"url": _data(image)}} for image in images)]


def _data(image: str) -> str:
    media = next((media for start, media in IMAGES.items() if image.startswith(start)), "image/png")
    return f"data:{media};base64,{image}"


def _call(call: ToolCall, pending: Pending) -> dict[str, Any]:
    name = call.id or f"call_{len(pending)}"
    pending.append((name, call.function.name))
    arguments = msgspec.json.encode(call.function.arguments).decode()
    return {"id": name, "type": "function", "function": {"name": call.function.name, "arguments": arguments}}


def _answered(function: str | None, pending: Pending) -> str:
    """The id of the first call of *function* that has no result yet; Ollama's results have only its name."""
    for place, (name, called) in enumerate(pending):
        if called == function or function is None:
            pending[place] = (name, "")
            return name
    return "call_unknown"
