"""Chats and completions of llama-router with a loaded model."""

from typing import Any

import httpx
import msgspec
import pytest

from tests.engines_image.llama_client import ENDLESS, chat_body, chunks, wait_until, with_model

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_a_response_has_text_usage_and_timings(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    response = (await engine.http.post(CHAT, json=chat_body(ignore="this"))).json()
    (choice,) = response["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].isprintable()
    assert choice["message"]["content"]
    assert response["object"], response["model"] == ("chat.completion", "chat")
    assert (
        response["usage"]["total_tokens"] == response["usage"]["prompt_tokens"] + response["usage"]["completion_tokens"]
    )
    assert response["timings"]["predicted_n"] == response["usage"]["completion_tokens"]


async def test_prompt_tokens_include_the_chat_template(start: Any) -> None:
    """Each byte is a token, and so is each special token of the template (`\\x01`, `\\x02`)."""
    engine = await with_model(await start("llama-router"))
    prompt = "\x01user\nHello\x02\n\x01assistant\n"
    response = await engine.http.post(CHAT, json=chat_body(max_tokens=1))
    assert response.json()["usage"] == {
        "prompt_tokens": len(prompt),
        "completion_tokens": 1,
        "total_tokens": len(prompt) + 1,
    }


async def test_a_stream_has_the_text_of_the_whole_response(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    whole = (await engine.http.post(CHAT, json=chat_body())).json()
    stream = chunks((await engine.http.post(CHAT, json=chat_body(stream=True))).text)
    first, *middle, last = stream
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle)
    assert text == whole["choices"][0]["message"]["content"]
    assert last["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert len(middle) > 5
    assert {chunk["id"] for chunk in stream} == {first["id"]}
    assert "usage" not in last


async def test_a_stream_ends_with_usage_if_include_usage_is_set(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    body = chat_body(stream=True, stream_options={"include_usage": True}, max_tokens=3)
    *_, end, last = chunks((await engine.http.post(CHAT, json=body)).text)
    assert end["choices"][0]["finish_reason"] == "length"
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3


async def test_the_same_seed_repeats_a_response(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    first, same, other = [await content(engine, seed=seed) for seed in (1, 1, 2)]
    assert first == same != other


async def test_temperature_0_ignores_the_seed(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    texts = {await content(engine, seed=seed, temperature=0) for seed in (1, 2)}
    assert len(texts) == 1


async def test_a_response_ends_at_the_end_token_a_stop_word_or_the_limit(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    reasons = {}
    ends: dict[str, dict[str, Any]] = {
        "end token": {"max_tokens": -1},
        "stop word": {"stop": [" "]},
        "length": {"max_tokens": 2},
    }
    for name, more in ends.items():
        response = (await engine.http.post(CHAT, json=chat_body(**more))).json()
        reasons[name] = (response["choices"][0]["finish_reason"], response["choices"][0]["message"]["content"])
    assert reasons["end token"][0] == "stop"
    assert reasons["stop word"][0] == "stop"
    assert " " not in reasons["stop word"][1]
    assert reasons["length"][0] == "length"


async def test_a_response_matches_its_schema(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    body = chat_body(response_format={"type": "json_schema", "json_schema": {"schema": schema}}, max_tokens=200)
    text = (await engine.http.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
    assert msgspec.json.decode(text)["ok"] in {True, False}


async def test_a_completion_is_the_same_with_and_without_streaming(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    body = {"model": "chat", "prompt": "The response", "max_tokens": 8, "seed": 1}
    whole = (await engine.http.post("/v1/completions", json=body)).json()
    assert whole["object"] == "text_completion"
    stream = chunks((await engine.http.post("/v1/completions", json={**body, "stream": True})).text)
    assert "".join(chunk["choices"][0]["text"] for chunk in stream) == whole["choices"][0]["text"] != ""


@pytest.mark.parametrize(
    "invalid",
    [
        {"messages": []},
        {"messages": "Hi"},
        {"messages": [{"content": "Hi"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"temperature": -1},
        {"top_p": "much"},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "no such"}}}},
    ],
)
async def test_an_invalid_request_is_refused(start: Any, invalid: Any) -> None:
    engine = await with_model(await start("llama-router"))
    response = await engine.http.post(CHAT, json=chat_body(**invalid))
    assert response.status_code == 400, response.text
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_prompt_above_the_context_size_is_refused_with_both_sizes(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    response = await engine.http.post(CHAT, json=chat_body(text="long " * 2000))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "exceed_context_size_error"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 4096


async def test_a_disconnected_client_cancels_the_generation(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    before = metric(await metrics(engine), "tokens_predicted_total")
    async with engine.http.stream("POST", CHAT, json=chat_body(stream=True, **ENDLESS)) as response:
        async for _ in response.aiter_text():
            break
    await wait_until(lambda: is_idle(engine))
    with pytest.raises(httpx.ReadTimeout):
        await engine.http.post(CHAT, json=chat_body(**ENDLESS), timeout=0.5)
    await wait_until(lambda: is_idle(engine))
    assert 0 < metric(await metrics(engine), "tokens_predicted_total") - before < 4000


async def test_metrics_count_generated_tokens(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    before = metric(await metrics(engine), "tokens_predicted_total")
    await engine.http.post(CHAT, json=chat_body(max_tokens=4))
    assert metric(await metrics(engine), "tokens_predicted_total") == before + 4


async def content(engine: Any, **more: Any) -> str:
    response = await engine.http.post(CHAT, json=chat_body(**more))
    return str(response.json()["choices"][0]["message"]["content"])


async def is_idle(engine: Any) -> bool:
    return "requests_processing 0" in await metrics(engine)


async def metrics(engine: Any) -> str:
    return str((await engine.http.get("/metrics", params={"model": "chat"})).text)


def metric(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(f"llamacpp:{name} ")]
    return float(line.split()[1])
