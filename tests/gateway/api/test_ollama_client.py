"""Official Ollama client, with backends that have OpenAI's API only."""

import asyncio
from typing import Any

import ollama
import pytest

from tests.gateway.fakes import ANSWER, MESSAGE, events
from tests.gateway.openai_chunks import MESSAGES, delta, ended

pytestmark = pytest.mark.anyio
PNG = "iVBORw0KGgo="
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
ROUTE = {"llama3.1-8b": [{"backend": "vllm", "model": "meta/Llama-8B"}]}


async def test_a_chat_is_translated_in_both_directions(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"vllm": backend}, ROUTE)
    answer = await ollama_client(gateway).chat("llama3.1-8b", MESSAGES)
    assert answer.message.content == "Hello."
    assert (answer.model, answer.done, answer.done_reason) == ("llama3.1-8b", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (3, 2)
    assert answer.total_duration == (answer.eval_duration or 0) + (answer.prompt_eval_duration or 0) > 0
    assert backend.requests[0].json() == {"model": "meta/Llama-8B", "messages": MESSAGES}


async def test_a_chat_streams_its_parts_and_ends_with_timings(start: Any, fake: Any, ollama_client: Any) -> None:
    frames = [delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo."), ended("length")]
    tail = {"choices": [], "usage": USAGE}
    backend = await fake({"POST /v1/chat/completions": lambda request, body: events(request, *frames, tail)})
    gateway = await start({"vllm": backend})
    parts = [part async for part in await ollama_client(gateway).chat("stub", MESSAGES, stream=True)]
    assert [part.message.content for part in parts] == ["Hel", "lo.", ""]
    assert [part.done for part in parts] == [False, False, True]
    assert parts[-1].done_reason == "length"
    assert (parts[-1].prompt_eval_count, parts[-1].eval_count) == (3, 2)
    assert (parts[-1].eval_duration or 0) > 0
    assert backend.requests[0].json()["stream_options"] == {"include_usage": True}


async def test_sampling_options_become_fields_and_loading_options_are_left_out(
    start: Any, fake: Any, ollama_client: Any
) -> None:
    backend = await fake()
    gateway = await start({"vllm": {"url": backend.url, "type": "sglang"}})
    options = {"temperature": 0.5, "num_predict": 64, "repeat_penalty": 1.1, "stop": ["x"], "num_ctx": 8192, "top_k": 5}
    await ollama_client(gateway).chat("stub", MESSAGES, options=options, keep_alive=-1, think=False)
    sent = backend.requests[0].json()
    assert sent == {
        "model": "stub",
        "messages": MESSAGES,
        "temperature": 0.5,
        "max_tokens": 64,
        "repetition_penalty": 1.1,
        "stop": ["x"],
        "top_k": 5,
        "chat_template_kwargs": {"enable_thinking": False},
    }


async def test_an_endless_prediction_sends_no_limit(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    await ollama_client(gateway).chat(
        "stub", MESSAGES, options={"num_predict": -1, "repeat_penalty": 1.1}, think="high"
    )
    sent = backend.requests[0].json()
    assert "max_tokens" not in sent
    assert (sent["repeat_penalty"], sent["reasoning_effort"]) == (1.1, "high")


async def test_formats_are_translated(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}}
    await ollama_client(gateway).chat("stub", MESSAGES, format="json")
    await ollama_client(gateway).chat("stub", MESSAGES, format=schema)
    first, second = (request.json()["response_format"] for request in backend.requests)
    assert first == {"type": "json_object"}
    assert second == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


async def test_an_unknown_format_is_refused(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    answer = await gateway.http.post("/api/chat", json={"model": "stub", "messages": MESSAGES, "format": "yaml"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "format")


async def test_images_become_message_parts(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    await ollama_client(gateway).chat("stub", [{"role": "user", "content": "What is it?", "images": [PNG]}])
    assert backend.requests[0].json()["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]


async def test_reasoning_and_probabilities_are_separate_from_the_content(
    start: Any, fake: Any, ollama_client: Any
) -> None:
    logprobs = {"content": [{"token": "H", "logprob": -0.1, "bytes": [72], "top_logprobs": []}]}
    message = {**MESSAGE, "reasoning_content": "They greet."}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
    backend = await fake({"POST /v1/chat/completions": lambda *_: {**ANSWER, "choices": [choice]}})
    gateway = await start({"stub": backend})
    answer = await ollama_client(gateway).chat("stub", MESSAGES, think=True, logprobs=True, top_logprobs=2)
    assert answer.message.thinking == "They greet."
    assert answer.logprobs is not None
    assert answer.logprobs[0].token == "H"  # noqa: S105 - a piece of a text
    sent = backend.requests[0].json()
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)


async def test_a_prompt_is_answered_as_a_conversation(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    answer = await ollama_client(gateway).generate("stub", "Hi", system="Be brief.")
    assert answer.response == "Hello."
    assert backend.requests[0].json()["messages"] == [{"role": "system", "content": "Be brief."}, *MESSAGES]


async def test_a_raw_prompt_is_completed_unchanged(start: Any, fake: Any, ollama_client: Any) -> None:
    frames = [{"choices": [{"index": 0, "text": text, "finish_reason": reason}]} for text, reason in CONTINUED]
    backend = await fake({"POST /v1/completions": lambda request, body: events(request, *frames)})
    gateway = await start({"stub": backend})
    stream = await ollama_client(gateway).generate("stub", "def f(", suffix="return 1", raw=True, stream=True)
    assert [part.response async for part in stream] == ["x)", ":", ""]
    assert (backend.requests[0].json()["prompt"], backend.requests[0].json()["suffix"]) == ("def f(", "return 1")


CONTINUED = (("x)", None), (":", "stop"))


async def test_fields_of_ollama_alone_are_refused_by_name(start: Any, fake: Any, ollama_client: Any) -> None:
    gateway = await start({"stub": await fake()})
    with pytest.raises(ollama.ResponseError) as failure:
        await ollama_client(gateway).generate("stub", "Hi", template="{{ .Prompt }}")
    assert failure.value.status_code == 400
    assert "template works with an Ollama backend only" in str(failure.value)


@pytest.mark.parametrize(("keep_alive", "reason"), [(None, "load"), (0, "unload")])
async def test_a_request_without_a_prompt_reports_a_load(
    start: Any, fake: Any, ollama_client: Any, keep_alive: int | None, reason: str
) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    answer = await ollama_client(gateway).generate("stub", keep_alive=keep_alive)
    chat = await ollama_client(gateway).chat("stub", [], keep_alive=keep_alive)
    assert (answer.done_reason, chat.done_reason) == (reason, reason)
    assert backend.requests == []


async def test_vectors_are_in_the_order_of_their_texts(start: Any, fake: Any, ollama_client: Any) -> None:
    data = [{"index": index, "object": "embedding", "embedding": [index / 2]} for index in (1, 0)]
    backend = await fake({"POST /v1/embeddings": lambda *_: {"data": data, "usage": {"prompt_tokens": 4}}})
    gateway = await start({"stub": backend})
    answer = await ollama_client(gateway).embed("stub", ["a", "b"], dimensions=1)
    assert answer.embeddings == [[0.0], [0.5]]
    assert answer.prompt_eval_count == 4
    sent = {"model": "stub", "input": ["a", "b"], "encoding_format": "float", "dimensions": 1}
    assert backend.requests[0].json() == sent
    single = await ollama_client(gateway).embeddings("stub", "a")
    assert single.embedding == [0.0]


async def test_models_are_listed_by_every_name(start: Any, fake: Any, ollama_client: Any) -> None:
    routes = {**ROUTE, "mxbai-embed-large": [{"backend": "vllm", "model": "mxbai-embed-large:latest"}]}
    gateway = await start({"vllm": await fake()}, routes)
    names = [model.model for model in (await ollama_client(gateway).list()).models]
    assert names == ["llama3.1-8b", "mxbai-embed-large", "meta/Llama-8B"]
    for name in ("llama3.1-8b:latest", "meta/Llama-8B", "mxbai-embed-large:latest"):
        assert (await ollama_client(gateway).chat(name, MESSAGES)).model == name


async def test_a_model_shows_its_capabilities(start: Any, fake: Any, ollama_client: Any) -> None:
    backends = {"vllm": await fake(), "embed": {"url": "http://127.0.0.1:9", "tasks": ["embeddings"]}}
    gateway = await start(backends, {**ROUTE, "vectors": ["embed"]})
    assert (await ollama_client(gateway).show("llama3.1-8b")).capabilities == ["completion", "embedding"]
    assert (await ollama_client(gateway).show("vectors")).capabilities == ["embedding"]


async def test_the_version_is_served_and_no_model_is_in_memory(start: Any, fake: Any, ollama_client: Any) -> None:
    gateway = await start({"stub": await fake()})
    assert (await gateway.http.get("/api/version")).json() == {"version": "0.32.15"}
    assert (await ollama_client(gateway).ps()).models == []


async def test_an_unknown_model_is_an_error_with_a_message(start: Any, fake: Any, ollama_client: Any) -> None:
    gateway = await start({"a": await fake(), "b": await fake()}, {"known": ["a"]})
    with pytest.raises(ollama.ResponseError) as failure:
        await ollama_client(gateway).chat("unknown", MESSAGES)
    assert failure.value.status_code == 404
    assert "unknown model 'unknown' for chat; accepted: known" in str(failure.value)


@pytest.mark.parametrize("options", [{"temperature": 99}, {"n_discard": -1}])
async def test_options_have_bounds_and_unknown_ones_are_refused(
    start: Any, fake: Any, ollama_client: Any, options: Any
) -> None:
    backend = await fake()
    gateway = await start({"stub": backend})
    with pytest.raises(ollama.ResponseError) as failure:
        await ollama_client(gateway).chat("stub", MESSAGES, options=options)
    assert failure.value.status_code == 422
    assert backend.requests == []


async def test_a_profile_fills_in_missing_fields(start: Any, fake: Any, ollama_client: Any) -> None:
    backend = await fake()
    gateway = await start({"stub": backend}, {"llama": [{"backend": "stub", "model": "own"}]})
    values = {"temperature": 0.25, "system_prompt": "Be brief."}
    await asyncio.to_thread(gateway.gateway.profiles.change, "own", values, is_whole=True)
    await ollama_client(gateway).chat("llama", MESSAGES, options={"top_k": 5})
    sent = backend.requests[0].json()
    assert (sent["temperature"], sent["top_k"], sent["model"]) == (0.25, 5, "own")
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, *MESSAGES]
