"""Messages of an Ollama conversation in OpenAI's format: images as parts of a message, tool calls by id."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.ollama.schema import Message, ToolCall

IMAGES: Mapping[str, str] = {"/9j/": "image/jpeg", "iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""Media type of an image, by the beginning of its base64."""
Pending = list[tuple[str, str]]  # tool calls without a result: id, name of the function


def to_openai(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    """Yield *messages* in OpenAI's format."""
    pending: Pending = []
    for message in messages:
        translated: dict[str, Any] = {"role": message.role, "content": content(message.content or "", message.images)}
        if message.tool_calls:
            translated["tool_calls"] = [_call(call, pending) for call in message.tool_calls]
        if message.role == "tool":
            translated["tool_call_id"] = message.tool_call_id or _result_id(message.tool_name, pending)
        yield translated


def content(text: str, images: Iterable[str] | None) -> str | list[dict[str, Any]]:
    """Return *text*, and *images* in base64, as the content of a message."""
    if not images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return [*parts, *({"type": "image_url", "image_url": {"url": _data_url(image)}} for image in images)]


def _data_url(image: str) -> str:
    media = next((media for start, media in IMAGES.items() if image.startswith(start)), "image/png")
    return f"data:{media};base64,{image}"


def _call(call: ToolCall, pending: Pending) -> dict[str, Any]:
    name = call.id or f"call_{len(pending)}"
    pending.append((name, call.function.name))
    arguments = msgspec.json.encode(call.function.arguments).decode()
    return {"id": name, "type": "function", "function": {"name": call.function.name, "arguments": arguments}}


def _result_id(function: str | None, pending: Pending) -> str:
    """Return the id of the first call of *function* without a result; Ollama's results name the function only."""
    for index, (call_id, name) in enumerate(pending):
        if name == function or function is None:
            pending[index] = (call_id, "")
            return call_id
    return "call_unknown"
