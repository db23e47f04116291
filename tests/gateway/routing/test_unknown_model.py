"""Names without a route: embeddings go to the first backend that has them, every other operation is refused."""

from typing import Any

import pytest

pytestmark = pytest.mark.anyio
NAME = "text-embedding-3-small"
VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
REPLY = {"choices": [{"message": {"role": "assistant", "content": "hi"}}]}


@pytest.fixture
async def gateway(start: Any, fake: Any) -> Any:
    handlers = {"POST /v1/embeddings": lambda *_: VECTORS, "POST /v1/chat/completions": lambda *_: REPLY}
    first, second = await fake(handlers), await fake(handlers)
    running = await start(
        {"first": {"url": first.url, "type": "openai"}, "second": {"url": second.url, "type": "openai"}},
        {
            "one": [{"backend": "first", "model": "one"}],
            "two": [{"backend": "second", "model": "two"}],
        },
    )
    running.first, running.second = first, second
    return running


def posted(backend: Any) -> list[Any]:
    return [request for request in backend.requests if request.path.startswith("/v1/")]


async def test_an_unknown_embedding_model_is_served_by_the_first_backend(gateway: Any) -> None:
    """Clients of OpenAI send the names of OpenAI's embedding models; the name is passed on as it is."""
    response = await gateway.http.post("/v1/embeddings", json={"model": NAME, "input": "text"})
    assert response.status_code == 200
    (request,) = posted(gateway.first)
    assert request.json()["model"] == NAME
    assert not posted(gateway.second)


async def test_an_unknown_chat_model_is_refused(gateway: Any) -> None:
    body = {"model": NAME, "messages": [{"role": "user", "content": "hello"}]}
    response = await gateway.http.post("/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert not posted(gateway.first) + posted(gateway.second)
