"""llama-embed: a real embedding model, behind llama.cpp's contract."""

import base64
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.anyio
DIMENSIONS = 384
CAT, FELINE, INVOICE = "The cat sleeps on the sofa.", "A feline naps on the couch.", "The invoice is due on Friday."


async def vectors(engine: Any, *texts: Any, **more: Any) -> Any:
    answer = await engine.http.post("/v1/embeddings", json={"input": list(texts), "model": "m", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_texts_of_one_meaning_are_closer_than_others(start: Any) -> None:
    found = await vectors(await start("llama-embed"), CAT, FELINE, INVOICE)
    cat, feline, invoice = (np.array(each["embedding"]) for each in found["data"])
    assert cat @ feline > 0.5
    assert cat @ invoice < 0.2
    assert [each["index"] for each in found["data"]] == [0, 1, 2]
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-4) for vector in (cat, feline, invoice))
    assert len(cat) == DIMENSIONS


async def test_the_weights_are_the_published_ones(start: Any) -> None:
    """sentence-transformers' own example of this model: 0.6660 and 0.1046 for these pairs of sentences."""
    texts = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
    first, second, third = (
        np.array(each["embedding"]) for each in (await vectors(await start("llama-embed"), *texts))["data"]
    )
    assert first @ second == pytest.approx(0.6660, abs=0.005)
    assert first @ third == pytest.approx(0.1046, abs=0.005)


async def test_tokens_are_counted_and_may_be_sent(start: Any) -> None:
    engine = await start("llama-embed")
    found = await vectors(engine, "hello world")
    assert found["usage"] == {"prompt_tokens": 4, "total_tokens": 4}  # with those that begin and end it
    by_tokens = await vectors(engine, [101, 7592, 2088, 102])
    assert by_tokens["data"][0]["embedding"] == pytest.approx(found["data"][0]["embedding"], abs=1e-6)


async def test_a_vector_comes_in_base64_too(start: Any) -> None:
    engine = await start("llama-embed")
    as_numbers = (await vectors(engine, CAT))["data"][0]["embedding"]
    text = (await vectors(engine, CAT, encoding_format="base64"))["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(text), "<f4").tolist() == pytest.approx(as_numbers, abs=1e-6)


@pytest.mark.parametrize("wrong", ["", [], [""], 7, None])
async def test_nothing_to_embed_is_a_bad_request(start: Any, wrong: Any) -> None:
    answer = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_text_that_is_too_long_is_refused_as_upstream(start: Any) -> None:
    answer = await (await start("llama-embed")).http.post("/v1/embeddings", json={"input": "word " * 600})
    assert answer.status_code == 500
    assert "602 tokens" in answer.json()["error"]["message"]


async def test_it_tells_what_it_is(start: Any) -> None:
    engine = await start("llama-embed")
    (model,) = (await engine.http.get("/v1/models")).json()["data"]
    assert model["id"] == "all-MiniLM-L6-v2"
    assert model["meta"]["n_embd"] == DIMENSIONS
    assert (await engine.http.get("/health")).json() == {"status": "ok"}
    assert "llamacpp:prompt_tokens_total" in (await engine.http.get("/metrics")).text


async def test_the_gateway_passes_vectors_on(start: Any, gateway: Any) -> None:
    front = await gateway({"embed": await start("llama-embed")}, {"embeddings": ["embed"]})
    answer = await front.http.post("/v1/embeddings", json={"model": "embeddings", "input": [CAT, FELINE]})
    assert answer.status_code == 200
    assert [len(each["embedding"]) for each in answer.json()["data"]] == [DIMENSIONS] * 2
