"""Embeddings of llama-embed: the real server with the published model."""

import base64
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.anyio
DIMENSIONS = 384
CAT, FELINE, INVOICE = "The cat sleeps on the sofa.", "A feline naps on the couch.", "The invoice is due on Friday."


async def embed(server: Any, *texts: Any, **more: Any) -> Any:
    response = await server.http.post("/v1/embeddings", json={"input": list(texts), "model": "m", **more})
    assert response.status_code == 200, response.text
    return response.json()


async def test_texts_with_the_same_meaning_are_more_similar(start: Any) -> None:
    body = await embed(await start("llama-embed"), CAT, FELINE, INVOICE)
    cat, feline, invoice = (np.array(each["embedding"]) for each in body["data"])
    assert cat @ feline > 0.5
    assert cat @ invoice < 0.2
    assert [each["index"] for each in body["data"]] == [0, 1, 2]
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-4) for vector in (cat, feline, invoice))
    assert len(cat) == DIMENSIONS


async def test_similarities_are_those_of_the_published_model(start: Any) -> None:
    """The published example of the model has 0.6660 and 0.1046 for these pairs of sentences."""
    texts = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
    first, second, third = (
        np.array(each["embedding"]) for each in (await embed(await start("llama-embed"), *texts))["data"]
    )
    assert first @ second == pytest.approx(0.6660, abs=0.005)
    assert first @ third == pytest.approx(0.1046, abs=0.005)


async def test_tokens_are_counted_and_accepted_as_input(start: Any) -> None:
    server = await start("llama-embed")
    by_text = await embed(server, "hello world")
    assert by_text["usage"] == {"prompt_tokens": 4, "total_tokens": 4}  # with the start and the end token
    by_tokens = await embed(server, [101, 7592, 2088, 102])
    assert by_tokens["data"][0]["embedding"] == pytest.approx(by_text["data"][0]["embedding"], abs=1e-6)


async def test_base64_has_the_same_values(start: Any) -> None:
    server = await start("llama-embed")
    as_numbers = (await embed(server, CAT))["data"][0]["embedding"]
    text = (await embed(server, CAT, encoding_format="base64"))["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(text), "<f4").tolist() == pytest.approx(as_numbers, abs=1e-6)


async def test_an_empty_list_is_refused_and_an_empty_text_is_embedded(start: Any) -> None:
    server = await start("llama-embed")
    refused = await server.http.post("/v1/embeddings", json={"input": []})
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert len((await embed(server, ""))["data"][0]["embedding"]) == DIMENSIONS  # the start and the end token


@pytest.mark.parametrize("wrong", [7, None])
async def test_an_input_of_another_type_is_a_500_as_upstream(start: Any, wrong: Any) -> None:
    response = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": wrong})
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")


async def test_a_text_above_the_context_size_is_a_500_as_upstream(start: Any) -> None:
    response = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": "word " * 600})
    assert response.status_code == 500
    assert "602 tokens" in response.json()["error"]["message"]


async def test_models_and_health(start: Any) -> None:
    server = await start("llama-embed")
    (model,) = (await server.http.get("/v1/models")).json()["data"]
    assert model["id"].endswith("/all-MiniLM-L6-v2.gguf")  # the path of the file, without an alias
    assert model["meta"]["n_embd"] == DIMENSIONS
    assert (await server.http.get("/health")).json() == {"status": "ok"}


async def test_embeddings_through_the_gateway(start: Any, gateway: Any) -> None:
    front = await gateway({"embed": await start("llama-embed")}, {"embeddings": ["embed"]})
    response = await front.http.post("/v1/embeddings", json={"model": "embeddings", "input": [CAT, FELINE]})
    assert response.status_code == 200
    assert [len(each["embedding"]) for each in response.json()["data"]] == [DIMENSIONS] * 2
