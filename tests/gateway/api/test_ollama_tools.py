"""Tool calls with Ollama's API."""

from typing import Any

import pytest

from tests.gateway.fakes import ANSWER, events
from tests.gateway.openai_chunks import MESSAGES, delta, ended

pytestmark = pytest.mark.anyio
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


async def test_tool_results_are_matched_with_their_calls(start: Any, fake: Any, ollama_client: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    backend = await fake({"POST /v1/chat/completions": lambda *_: {**ANSWER, "choices": [choice]}})
    gateway = await start({"stub": backend})
    answer = await ollama_client(gateway).chat("stub", MESSAGES, tools=[WEATHER])
    assert answer.message.tool_calls is not None
    assert answer.message.tool_calls[0].function.arguments == {"city": "Oslo"}
    replies = [answer.message, {"role": "tool", "tool_name": "weather", "content": "rain"}]
    await ollama_client(gateway).chat("stub", [*MESSAGES, *replies])
    _, call, result = backend.requests[1].json()["messages"]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city":"Oslo"}'}
    assert result == {"role": "tool", "content": "rain", "tool_call_id": call["tool_calls"][0]["id"]}
    assert backend.requests[0].json()["tools"][0]["function"]["name"] == "weather"


async def test_two_calls_of_one_tool_get_separate_results(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    calls = [{"function": {"name": "weather", "arguments": {"city": city}}} for city in ("Oslo", "Rome")]
    results = [{"role": "tool", "tool_name": "weather", "content": text} for text in ("rain", "sun", "surplus")]
    await ollama_client(gateway).chat("stub", [*MESSAGES, {"role": "assistant", "tool_calls": calls}, *results])
    sent = backend.requests[0].json()["messages"]
    names = [call["id"] for call in sent[1]["tool_calls"]]
    assert [result["tool_call_id"] for result in sent[2:]] == [*names, "call_unknown"]
    assert len(set(names)) == 2


async def test_a_streamed_tool_call_is_assembled(start: Any, fake: Any, ollama_client: Any) -> None:
    def piece(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        return {"index": index, "function": {"arguments": arguments, **more}}

    frames = [
        delta(tool_calls=[{**piece(0, "", name="weather"), "id": "c1"}]),
        delta(tool_calls=[piece(0, '{"city":')]),
        delta(tool_calls=[piece(0, '"Oslo"}'), {**piece(1, "{}", name="time"), "id": "c2"}]),
        delta(tool_calls=[{"index": 1}]),
        ended("tool_calls"),
    ]
    backend = await fake({"POST /v1/chat/completions": lambda request, body: events(request, *frames)})
    gateway = await start({"stub": backend})
    parts = [part async for part in await ollama_client(gateway).chat("stub", MESSAGES, tools=[WEATHER], stream=True)]
    calls = parts[0].message.tool_calls
    assert calls is not None
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("weather", {"city": "Oslo"}),
        ("time", {}),
    ]
    assert [part.done for part in parts] == [False, True]
