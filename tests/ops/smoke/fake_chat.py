"""Fake chat model that answers the questions of the smoke test rightly, and helpers for wrong answers."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from ops.smoke.checks.chat import FACTS, LIBRARY, RAIN
from tests.gateway.fakes import ANSWER, Handler, events

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
SENTENCES = {
    RAIN: "Rain is water that falls from the clouds to the ground in many small drops.",
    LIBRARY: "A library is a place in which people can read and borrow books for free.",
}
PERSON = {"name": "Anna", "age": 34, "city": "Oslo"}


def chat_response(text: str | None, **more: Any) -> dict[str, Any]:
    """Return a response with *text*; *more*: other fields of its message."""
    message = {"role": "assistant", "content": text, **more}
    return {**ANSWER, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def calling(name: str, arguments: str) -> dict[str, Any]:
    """Return a response that calls a tool."""
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return chat_response(None, tool_calls=[call])


def saying(text: str, **more: Any) -> dict[str, Any]:
    """Return one chunk of a stream."""
    return {"choices": [{"index": 0, "delta": {"content": text, **more}}]}


def chat(request: web.BaseRequest, body: bytes) -> Any:
    content = msgspec.json.decode(body)
    question = content["messages"][0]["content"]
    if content.get("stream"):
        parts = re.findall(r"\S+\s*", SENTENCES[question])
        return events(request, *map(saying, parts), {"choices": [], "usage": USAGE})
    if content.get("tools"):
        return calling("get_weather", '{"city": "Paris"}')
    return chat_response(
        msgspec.json.encode(_fields(question)).decode() if "response_format" in content else SENTENCES[question]
    )


def _fields(question: str) -> Mapping[str, Any]:
    return next(({"answer": right} for fact, _, right in FACTS if fact == question), PERSON)


def choosing(*answers: str) -> Handler:
    """Return a handler that gives *answers* to the questions, in their order."""
    given = {question: answer for (question, _, _), answer in zip(FACTS, answers, strict=True)}
    return lambda _, body: chat_response(_answer_json(given[msgspec.json.decode(body)["messages"][0]["content"]]))


def _answer_json(answer: str) -> str:
    return msgspec.json.encode({"answer": answer}).decode()
