"""Chats and completions of llama-router: the real server with SmolLM2-135M-Instruct."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.llama_image.llama_client import ENDLESS, chat_body, chunks, wait_until, with_model

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_a_response_has_text_usage_and_timings(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    response = (await server.http.post(CHAT, json=chat_body(ignore="this"))).json()
    (choice,) = response["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert response["object"], response["model"] == ("chat.completion", "chat")
    assert (
        response["usage"]["total_tokens"] == response["usage"]["prompt_tokens"] + response["usage"]["completion_tokens"]
    )
    assert response["timings"]["predicted_n"] == response["usage"]["completion_tokens"]


async def test_an_answer_is_english_on_the_topic(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    text = (await content(server, text="Describe rain in one sentence.", temperature=0, max_tokens=60)).lower()
    assert re.search("rain|water|drop|cloud|weather|fall", text), text
    assert len(re.findall("[a-z]{2,}", text)) >= 6, text


async def test_a_grammar_limits_the_answer(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    answer = await content(server, text="Is ice cold?", grammar='root ::= "yes" | "no"', temperature=0)
    assert answer in {"yes", "no"}


async def test_a_tool_call_is_parsed(start: Any) -> None:
    """A model of this size calls a tool after three examples; the template that it comes with knows no tools."""
    server = await with_model(await start("llama-router"))
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": city}}
    examples = [message for name in ("Rome", "Berlin", "Madrid") for message in example(name)]
    body = chat_body(tools=[tool], tool_choice="required", temperature=0, max_tokens=60)
    body["messages"] = [*examples, question("Paris")]
    (choice,) = (await server.http.post(CHAT, json=body)).json()["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert msgspec.json.decode(call["function"]["arguments"]) == {"city": "Paris"}
    assert choice["finish_reason"] == "tool_calls"


def question(city: str) -> dict[str, Any]:
    return {"role": "user", "content": f"What is the weather in {city}?"}


def example(city: str) -> Iterator[dict[str, Any]]:
    """Yield a question, a call of the tool and its result."""
    function = {"name": "get_weather", "arguments": msgspec.json.encode({"city": city}).decode()}
    yield question(city)
    yield {"role": "assistant", "content": "", "tool_calls": [{"id": city, "type": "function", "function": function}]}
    yield {"role": "tool", "tool_call_id": city, "content": "sunny"}


async def test_the_same_model_answers_by_the_other_apis(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    body = {"model": "chat", "messages": [{"role": "user", "content": "Say hello."}]}
    message = (await server.http.post("/v1/messages", json={**body, "max_tokens": 8})).json()
    assert (message["type"], message["role"], message["content"][0]["type"]) == ("message", "assistant", "text")
    assert message["usage"]["output_tokens"] <= 8
    counted = (await server.http.post("/v1/messages/count_tokens", json=body)).json()
    assert counted["input_tokens"] > 5
    request = {"model": "chat", "input": "Say hello.", "max_output_tokens": 8}
    response = (await server.http.post("/v1/responses", json=request)).json()
    assert response["object"] == "response"
    assert response["output"][-1]["content"][0]["type"] == "output_text"


async def test_a_stream_has_the_text_of_the_whole_response(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    whole = (await server.http.post(CHAT, json=chat_body())).json()
    stream = chunks((await server.http.post(CHAT, json=chat_body(stream=True))).text)
    first, *middle, last = stream
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle)
    assert text == whole["choices"][0]["message"]["content"]
    assert last["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert len(middle) > 5
    assert {chunk["id"] for chunk in stream} == {first["id"]}
    assert "usage" not in last


async def test_a_stream_ends_with_usage_if_include_usage_is_set(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    body = chat_body(stream=True, stream_options={"include_usage": True}, max_tokens=3)
    *_, end, last = chunks((await server.http.post(CHAT, json=body)).text)
    assert end["choices"][0]["finish_reason"] == "length"
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3


async def test_the_same_seed_repeats_a_response(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    first, same, other = [await content(server, seed=seed) for seed in (1, 1, 2)]
    assert first == same != other


async def test_temperature_0_ignores_the_seed(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    texts = {await content(server, seed=seed, temperature=0) for seed in (1, 2)}
    assert len(texts) == 1


async def test_a_response_ends_at_the_end_token_a_stop_word_or_the_limit(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    reasons = {}
    ends: dict[str, dict[str, Any]] = {
        "end token": {"max_tokens": 400, "text": "Hello"},
        "stop word": {"stop": [" "]},
        "length": {"max_tokens": 2},
    }
    for name, more in ends.items():
        response = (await server.http.post(CHAT, json=chat_body(**more))).json()
        reasons[name] = (response["choices"][0]["finish_reason"], response["choices"][0]["message"]["content"])
    assert reasons["end token"][0] == "stop"
    assert reasons["stop word"][0] == "stop"
    assert " " not in reasons["stop word"][1]
    assert reasons["length"][0] == "length"


async def test_a_response_matches_its_schema(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    body = chat_body(response_format={"type": "json_schema", "json_schema": {"schema": schema}}, max_tokens=200)
    text = (await server.http.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
    assert msgspec.json.decode(text)["ok"] in {True, False}


async def test_a_completion_is_the_same_with_and_without_streaming(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    body = {"model": "chat", "prompt": "The response", "max_tokens": 8, "seed": 1}
    whole = (await server.http.post("/v1/completions", json=body)).json()
    assert whole["object"] == "text_completion"
    stream = chunks((await server.http.post("/v1/completions", json={**body, "stream": True})).text)
    assert "".join(chunk["choices"][0]["text"] for chunk in stream) == whole["choices"][0]["text"] != ""


@pytest.mark.parametrize(
    ("invalid", "status"),
    [
        ({"messages": "Hi"}, 400),
        ({"messages": [{"content": "Hi"}]}, 500),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 500),
        ({"top_p": "much"}, 400),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "no such"}}}}, 400),
    ],
)
async def test_an_invalid_request_is_refused(start: Any, invalid: Any, status: int) -> None:
    server = await with_model(await start("llama-router"))
    response = await server.http.post(CHAT, json=chat_body(**invalid))
    assert response.status_code == status, response.text
    assert response.json()["error"]["type"] == {400: "invalid_request_error", 500: "server_error"}[status]


async def test_a_prompt_above_the_context_size_is_refused_with_both_sizes(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    response = await server.http.post(CHAT, json=chat_body(text="long " * 9000))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "exceed_context_size_error"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 8192


async def test_a_disconnected_client_cancels_the_generation(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    before = metric(await metrics(server), "tokens_predicted_total")
    async with server.http.stream("POST", CHAT, json=chat_body(stream=True, **ENDLESS)) as response:
        async for _ in response.aiter_text():
            break
    await wait_until(lambda: is_idle(server))
    assert 0 <= metric(await metrics(server), "tokens_predicted_total") - before < 4000


async def test_metrics_count_generated_tokens(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    before = metric(await metrics(server), "tokens_predicted_total")
    await server.http.post(CHAT, json=chat_body(max_tokens=4))
    assert metric(await metrics(server), "tokens_predicted_total") == before + 4


async def content(server: Any, **more: Any) -> str:
    response = await server.http.post(CHAT, json=chat_body(**more))
    return str(response.json()["choices"][0]["message"]["content"])


async def is_idle(server: Any) -> bool:
    return "requests_processing 0" in await metrics(server)


async def metrics(server: Any) -> str:
    return str((await server.http.get("/metrics", params={"model": "chat"})).text)


def metric(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(f"llamacpp:{name} ")]
    return float(line.split()[1])
