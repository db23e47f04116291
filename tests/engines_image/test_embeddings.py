"""Embeddings of llama-embed: a real model with llama.cpp's API."""

import base64
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.anyio
DIMENSIONS = 384
CAT, FELINE, INVOICE = "The cat sleeps on the sofa.", "A feline naps on the couch.", "The invoice is due on Friday."


async def embed(engine: Any, *texts: Any, **more: Any) -> Any:
    response = await engine.http.post("/v1/embeddings", json={"input": list(texts), "model": "m", **more})
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
    engine = await start("llama-embed")
    by_text = await embed(engine, "hello world")
    assert by_text["usage"] == {"prompt_tokens": 4, "total_tokens": 4}  # with the start and the end token
    by_tokens = await embed(engine, [101, 7592, 2088, 102])
    assert by_tokens["data"][0]["embedding"] == pytest.approx(by_text["data"][0]["embedding"], abs=1e-6)


async def test_base64_has_the_same_values(start: Any) -> None:
    engine = await start("llama-embed")
    as_numbers = (await embed(engine, CAT))["data"][0]["embedding"]
    text = (await embed(engine, CAT, encoding_format="base64"))["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(text), "<f4").tolist() == pytest.approx(as_numbers, abs=1e-6)


@pytest.mark.parametrize("empty", ["", [], [""], 7, None])
async def test_an_empty_or_invalid_input_is_refused(start: Any, empty: Any) -> None:
    response = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": empty})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_text_above_the_context_size_is_a_500_as_upstream(start: Any) -> None:
    response = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": "word " * 600})
    assert response.status_code == 500
    assert "602 tokens" in response.json()["error"]["message"]


async def test_models_health_and_metrics(start: Any) -> None:
    engine = await start("llama-embed")
    (model,) = (await engine.http.get("/v1/models")).json()["data"]
    assert model["id"] == "all-MiniLM-L6-v2"
    assert model["meta"]["n_embd"] == DIMENSIONS
    assert (await engine.http.get("/health")).json() == {"status": "ok"}
    assert "llamacpp:prompt_tokens_total" in (await engine.http.get("/metrics")).text


async def test_embeddings_through_the_gateway(start: Any, gateway: Any) -> None:
    front = await gateway({"embed": await start("llama-embed")}, {"embeddings": ["embed"]})
    response = await front.http.post("/v1/embeddings", json={"model": "embeddings", "input": [CAT, FELINE]})
    assert response.status_code == 200
    assert [len(each["embedding"]) for each in response.json()["data"]] == [DIMENSIONS] * 2
