"""What a chat gets from its model's profile: what the client did not say itself, and nothing else."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.models.profile_schema import Value

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens")
SAME: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}
"""Where a field has a second name, either of them says it."""
SYSTEM = frozenset({"system", "developer"})
EFFORT = re.compile(r"^Reasoning:\s*\S+\s*$", re.MULTILINE)
Body = dict[str, msgspec.Raw]


class Role(msgspec.Struct):
    """The part of a message that says whose it is."""

    role: str


class System(msgspec.Struct):
    """The part of a system message that is read: a text, or parts of it."""

    content: str | list[dict[str, Any]] | None = None


def shaped(data: bytes, values: Mapping[str, Value], model: str | None) -> bytes:
    """The chat *data*, which was parsed before, for *model*, with what *values* say and the client does not."""
    body = msgspec.json.decode(data, type=Body)
    for name in SAMPLING:
        if name in values and name not in body and SAME.get(name) not in body:
            body[name] = _raw(values[name])
    body["messages"] = _messages(body, values)
    if model is not None:
        body["model"] = _raw(model)
    return msgspec.json.encode(body)


def _messages(body: Body, values: Mapping[str, Value]) -> msgspec.Raw:
    messages = msgspec.json.decode(body["messages"], type=list[msgspec.Raw])
    place = next((number for number, message in enumerate(messages) if _role(message) in SYSTEM), None)
    prompt, effort = values.get("system_prompt"), values.get("reasoning_effort")
    if prompt and place is None:
        messages.insert(0, _raw({"role": "system", "content": prompt}))
        place = 0
    if effort and "reasoning_effort" not in body:
        line = f"Reasoning: {effort}"
        if place is None:
            messages.insert(0, _raw({"role": "system", "content": line}))
        else:
            messages[place] = _with_line(messages[place], line)
    return _raw(messages)


def _role(message: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(message, type=Role).role
    except msgspec.ValidationError:
        return ""  # the backend says what is wrong with it


def _with_line(message: msgspec.Raw, line: str) -> msgspec.Raw:
    try:
        content = msgspec.json.decode(message, type=System).content
    except msgspec.ValidationError:
        return message
    if EFFORT.search("\n".join(_texts(content))):
        return message
    if isinstance(content, list):
        fresh: Any = [*content, {"type": "text", "text": line}]
    else:
        fresh = f"{content}\n{line}" if content else line
    return _raw({**msgspec.json.decode(message, type=Body), "content": fresh})


def _texts(content: str | list[dict[str, Any]] | None) -> Iterable[str]:
    if isinstance(content, list):
        return (str(part.get("text", "")) for part in content)
    return (content or "",)


def _raw(value: Any) -> msgspec.Raw:  # noqa: ANN401 - whatever msgspec writes
    return msgspec.Raw(msgspec.json.encode(value))
