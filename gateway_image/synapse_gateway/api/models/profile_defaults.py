"""Profile defaults of a chat request: fields of the model's profile that the client did not send itself."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.models.profile_schema import Value

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens")
ALIASES: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}
"""Second name of a field; a client may send either."""
SYSTEM_ROLES = frozenset({"system", "developer"})
EFFORT = re.compile(r"^Reasoning:\s*\S+\s*$", re.MULTILINE)
RawFields = dict[str, msgspec.Raw]


class MessageRole(msgspec.Struct):
    """Role of a message."""

    role: str


class SystemMessage(msgspec.Struct):
    """Content of a system message: a text, or a list of parts."""

    content: str | list[dict[str, Any]] | None = None


def with_defaults(data: bytes, values: Mapping[str, Value], model: str | None) -> bytes:
    """Return the valid chat request *data* with each of *values* that the client did not send; None keeps the model."""
    body = msgspec.json.decode(data, type=RawFields)
    for name in SAMPLING:
        if name in values and name not in body and ALIASES.get(name) not in body:
            body[name] = _raw(values[name])
    body["messages"] = _messages(body, values)
    if model is not None:
        body["model"] = _raw(model)
    return msgspec.json.encode(body)


def _messages(body: RawFields, values: Mapping[str, Value]) -> msgspec.Raw:
    messages = msgspec.json.decode(body["messages"], type=list[msgspec.Raw])
    system = next((index for index, message in enumerate(messages) if _role(message) in SYSTEM_ROLES), None)
    prompt, effort = values.get("system_prompt"), values.get("reasoning_effort")
    if prompt and system is None:
        messages.insert(0, _raw({"role": "system", "content": prompt}))
        system = 0
    if effort and "reasoning_effort" not in body:
        line = f"Reasoning: {effort}"
        if system is None:
            messages.insert(0, _raw({"role": "system", "content": line}))
        else:
            messages[system] = _with_line(messages[system], line)
    return _raw(messages)


def _role(message: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(message, type=MessageRole).role
    except msgspec.ValidationError:
        return ""  # the backend will refuse it


def _with_line(message: msgspec.Raw, line: str) -> msgspec.Raw:
    try:
        content = msgspec.json.decode(message, type=SystemMessage).content
    except msgspec.ValidationError:
        return message
    if EFFORT.search("\n".join(_texts(content))):
        return message
    if isinstance(content, list):
        extended: Any = [*content, {"type": "text", "text": line}]
    else:
        extended = f"{content}\n{line}" if content else line
    return _raw({**msgspec.json.decode(message, type=RawFields), "content": extended})


def _texts(content: str | list[dict[str, Any]] | None) -> Iterable[str]:
    if isinstance(content, list):
        return (str(part.get("text", "")) for part in content)
    return (content or "",)


def _raw(value: Any) -> msgspec.Raw:  # noqa: ANN401 - any type that msgspec encodes
    return msgspec.Raw(msgspec.json.encode(value))
