"""Model `auto`: the gateway chooses by the words of the last question."""

from typing import Any

import pytest

from tests.gateway.router import CODER, FAST, GENERAL, Router, asking

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.fixture
def launch(start: Any, fake: Any) -> Any:
    async def run(**environment: str) -> Any:
        backend = await fake(Router().handlers)
        return await start({"router": {"url": backend.url, "type": "llama-router"}}, **{**FAST, **environment})

    return run


async def chosen(gateway: Any, body: dict[str, Any]) -> str:
    answer = await gateway.http.post(CHAT, json=body)
    assert answer.status_code == 200
    assert answer.headers["x-synapse-model"] == answer.json()["model"]
    return str(answer.json()["model"])


@pytest.mark.parametrize("name", [None, "", "auto", "AUTO", "synapse:auto", "Synapse-Auto"])
async def test_automatic_model_names(launch: Any, name: str | None) -> None:
    gateway = await launch()
    assert await chosen(gateway, asking(name, "Hello")) == GENERAL


async def test_a_named_model_is_used_without_a_choice(launch: Any) -> None:
    gateway = await launch()
    answer = await gateway.http.post(CHAT, json=asking(GENERAL, "Write a regex"))
    assert answer.json()["model"] == GENERAL
    assert "x-synapse-model" not in answer.headers


@pytest.mark.parametrize(
    ("words", "model"),
    [
        ("Write a Python script", CODER),
        ("read this\nstack\ntrace", CODER),
        ("STACK TRACE!", CODER),
        ("what is a barcode", GENERAL),  # whole words alone
        ("Let us go to class, a function of the bug", GENERAL),  # words that everybody says
        ("", GENERAL),
    ],
)
async def test_words_of_the_question_decide(launch: Any, words: str, model: str) -> None:
    assert await chosen(await launch(), asking("auto", words)) == model


async def test_the_last_question_alone_decides(launch: Any) -> None:
    gateway = await launch()
    assert await chosen(gateway, asking("auto", "Debug my python", "Thanks! Tell me a story")) == GENERAL
    assistant = {"role": "assistant", "content": "here is some code"}
    body = {"model": "auto", "messages": [*asking("auto", "Hello")["messages"], assistant]}
    assert await chosen(gateway, body) == GENERAL


async def test_text_parts_count_and_malformed_messages_do_not(launch: Any) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "explain this SQL"}]
    body = {"model": "auto", "messages": [{"role": "user", "content": parts}, {"role": 7}, 3]}
    assert await chosen(await launch(), body) == CODER
    assert await chosen(await launch(), {"model": "auto", "messages": [{"role": "user"}]}) == GENERAL
    assert await chosen(await launch(), {"model": "auto", "messages": []}) == GENERAL


async def test_models_and_words_are_settings(launch: Any) -> None:
    gateway = await launch(
        SYNAPSE_AUTO_CODER_WORDS="bug, C++", SYNAPSE_AUTO_GENERAL_MODEL=CODER, SYNAPSE_AUTO_CODER_MODEL=GENERAL
    )
    assert await chosen(gateway, asking("auto", "a bug")) == GENERAL
    assert await chosen(gateway, asking("auto", "in c++.")) == GENERAL
    assert await chosen(gateway, asking("auto", "some python")) == CODER


async def test_without_these_models_the_first_chat_route_is_chosen(start: Any, fake: Any) -> None:
    backend = await fake()
    sections = {"embed": {"url": backend.url, "type": "openai", "tasks": ["embeddings"]}, "chat": backend}
    routes = {"vectors": ["embed"], "first": [{"backend": "chat", "model": "own"}], "second": ["chat"]}
    gateway = await start(sections, routes)
    answer = await gateway.http.post(CHAT, json=asking("auto", "python"))
    assert answer.headers["x-synapse-model"] == "first"
    assert backend.requests[-1].json()["model"] == "own"


async def test_a_route_for_the_configured_model_is_chosen(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"chat": backend}, {"first": ["chat"], GENERAL: ["chat"]})
    for words in ("python", "hello"):
        answer = await gateway.http.post(CHAT, json=asking("auto", words))
        assert answer.headers["x-synapse-model"] == GENERAL


async def test_without_routes_the_backend_chooses(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"chat": backend})
    answer = await gateway.http.post(CHAT, json=asking(None))
    assert answer.status_code == 200
    assert "x-synapse-model" not in answer.headers
    assert backend.requests[-1].json() == asking(None)


async def test_a_route_named_auto_takes_precedence(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start({"chat": backend}, {"first": ["chat"], "auto": [{"backend": "chat", "model": "own"}]})
    answer = await gateway.http.post(CHAT, json=asking("auto"))
    assert "x-synapse-model" not in answer.headers
    assert backend.requests[-1].json()["model"] == "own"
