"""llama-router: chats with a model in memory."""

from typing import Any

import httpx
import msgspec
import pytest

from tests.engines.chatting import ENDLESS, asking, eventually, frames, loaded

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_an_answer_has_text_usage_and_timings(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    answer = (await engine.http.post(CHAT, json=asking(ignore="this"))).json()
    (choice,) = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].isprintable()
    assert choice["message"]["content"]
    assert answer["object"], answer["model"] == ("chat.completion", "chat")
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    assert answer["timings"]["predicted_n"] == answer["usage"]["completion_tokens"]


async def test_tokens_are_counted_as_the_template_writes_them(start: Any) -> None:
    """Each byte is a token, and so is each mark of the template."""
    engine = await loaded(await start("llama-router"))
    written = "\x01user\nHello\x02\n\x01assistant\n"
    answer = await engine.http.post(CHAT, json=asking(max_tokens=1))
    assert answer.json()["usage"] == {
        "prompt_tokens": len(written),
        "completion_tokens": 1,
        "total_tokens": len(written) + 1,
    }


async def test_a_stream_is_the_answer_in_parts(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    whole = (await engine.http.post(CHAT, json=asking())).json()
    found = frames((await engine.http.post(CHAT, json=asking(stream=True))).text)
    first, *middle, last = found
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    said = "".join(frame["choices"][0]["delta"]["content"] for frame in middle)
    assert said == whole["choices"][0]["message"]["content"]
    assert last["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert len(middle) > 5
    assert {frame["id"] for frame in found} == {first["id"]}
    assert "usage" not in last


async def test_a_stream_ends_with_usage_where_it_is_asked_for(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    body = asking(stream=True, stream_options={"include_usage": True}, max_tokens=3)
    *_, end, last = frames((await engine.http.post(CHAT, json=body)).text)
    assert end["choices"][0]["finish_reason"] == "length"
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3


async def test_a_seed_repeats_an_answer_and_another_one_does_not(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    said = [
        (await engine.http.post(CHAT, json=asking(seed=seed))).json()["choices"][0]["message"]["content"]
        for seed in (1, 1, 2)
    ]
    assert said[0] == said[1] != said[2]


async def test_no_temperature_is_the_likeliest_whatever_the_seed(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    said = {
        (await engine.http.post(CHAT, json=asking(seed=seed, temperature=0))).json()["choices"][0]["message"]["content"]
        for seed in (1, 2)
    }
    assert len(said) == 1


async def test_it_ends_by_itself_at_a_stop_word_or_at_the_length(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    reasons = {}
    ends: dict[str, dict[str, Any]] = {
        "itself": {"max_tokens": -1},
        "word": {"stop": [" "]},
        "length": {"max_tokens": 2},
    }
    for name, more in ends.items():
        answer = (await engine.http.post(CHAT, json=asking(**more))).json()
        reasons[name] = (answer["choices"][0]["finish_reason"], answer["choices"][0]["message"]["content"])
    assert reasons["itself"][0] == "stop"
    assert reasons["word"][0] == "stop"
    assert " " not in reasons["word"][1]
    assert reasons["length"][0] == "length"


async def test_an_answer_keeps_to_a_schema(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    body = asking(response_format={"type": "json_schema", "json_schema": {"schema": schema}}, max_tokens=200)
    text = (await engine.http.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
    assert msgspec.json.decode(text)["ok"] in {True, False}


async def test_a_text_goes_on(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    body = {"model": "chat", "prompt": "The answer", "max_tokens": 8, "seed": 1}
    whole = (await engine.http.post("/v1/completions", json=body)).json()
    assert whole["object"] == "text_completion"
    parts = frames((await engine.http.post("/v1/completions", json={**body, "stream": True})).text)
    assert "".join(part["choices"][0]["text"] for part in parts) == whole["choices"][0]["text"] != ""


@pytest.mark.parametrize(
    "wrong",
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
async def test_what_cannot_be_used_is_a_bad_request(start: Any, wrong: Any) -> None:
    engine = await loaded(await start("llama-router"))
    answer = await engine.http.post(CHAT, json=asking(**wrong))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_prompt_that_is_too_long_says_by_how_much(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    answer = await engine.http.post(CHAT, json=asking(text="long " * 2000))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "exceed_context_size_error"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 4096


async def test_the_model_stops_when_its_client_leaves(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    before = value(await metrics(engine), "tokens_predicted_total")
    async with engine.http.stream("POST", CHAT, json=asking(stream=True, **ENDLESS)) as answer:
        async for _ in answer.aiter_text():
            break
    await eventually(lambda: rests(engine))
    with pytest.raises(httpx.ReadTimeout):
        await engine.http.post(CHAT, json=asking(**ENDLESS), timeout=0.5)
    await eventually(lambda: rests(engine))
    assert 0 < value(await metrics(engine), "tokens_predicted_total") - before < 4000


async def test_metrics_count_what_was_said(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    before = value(await metrics(engine), "tokens_predicted_total")
    await engine.http.post(CHAT, json=asking(max_tokens=4))
    assert value(await metrics(engine), "tokens_predicted_total") == before + 4


async def rests(engine: Any) -> bool:
    return "requests_processing 0" in await metrics(engine)


async def metrics(engine: Any) -> str:
    return str((await engine.http.get("/metrics", params={"model": "chat"})).text)


def value(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(f"llamacpp:{name} ")]
    return float(line.split()[1])
