"""`/v1/rerank` with the configuration that a stack with a reranker renders."""

from typing import Any

import pytest
import yaml

from tests.gateway.conftest import Start
from tests.infra.catalog.rerankers import MODEL, with_reranker

pytestmark = pytest.mark.anyio

QUESTION = {"query": "Which city?", "documents": ["Berlin", "an apple"], "top_n": 1}
SCORES = {"results": [{"index": 0, "relevance_score": 0.9}]}


async def test_the_reranker_of_a_stack_answers(start: Start, fake: Start) -> None:
    reranker = await fake({"POST /v1/rerank": lambda *_: SCORES})
    rendered: dict[str, Any] = yaml.safe_load(with_reranker().routes.gateway_config())
    section = {**rendered["backends"]["reranker"], "url": reranker.url}
    routes = {route["model"]: route["targets"] for route in rendered["routes"] if route["model"] == "bge-reranker"}
    gateway = await start({"reranker": section}, routes)
    response = await gateway.http.post("/v1/rerank", json={"model": "bge-reranker", **QUESTION})
    assert (response.status_code, response.json()) == (200, SCORES)
    (request,) = [each for each in reranker.asked if each.path == "/v1/rerank"]
    assert request.json() == {"model": MODEL, **QUESTION}
