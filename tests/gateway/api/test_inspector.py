"""GET /api/backend-routes: what reaches what, without a single address."""

from typing import Any

import pytest

from synapse_gateway.api.table import table

pytestmark = pytest.mark.anyio


def _paths(backend: Any, title: str) -> list[str]:
    (group,) = [group for group in backend["groups"] if group["title"] == title]
    return [f"{route['method']} {route['path']}" for route in group["routes"]]


async def test_each_backend_has_the_routes_that_may_reach_it(start: Any, fake: Any) -> None:
    url = (await fake()).url
    gateway = await start(
        {
            "vllm": {"url": url, "type": "vllm", "tasks": ["chat"]},
            "embed": {"url": url, "type": "openai", "tasks": ["embeddings"], "health": "/up"},
            "llama-router": {"url": url, "type": "llama-router"},
        }
    )
    answer = await gateway.http.get("/api/backend-routes")
    found = answer.json()
    assert set(found) == {"vllm", "embed", "llama-router"}
    assert found["vllm"]["title"] == "vllm"
    assert "POST /v1/chat/completions" in _paths(found["vllm"], "Gateway Routes")
    assert "POST /v1/embeddings" not in _paths(found["vllm"], "Gateway Routes")
    assert "POST /v1/embeddings" in _paths(found["embed"], "Gateway Routes")
    assert "POST /v1/chat/completions" not in _paths(found["embed"], "Gateway Routes")
    assert _paths(found["vllm"], "Ops") == ["GET /health"]
    assert _paths(found["embed"], "Ops") == ["GET /up"]
    assert url not in answer.text
    assert "127.0.0.1" not in answer.text


async def test_only_a_router_is_reached_by_what_manages_models(start: Any, fake: Any) -> None:
    url = (await fake()).url
    gateway = await start({"vllm": {"url": url, "type": "vllm"}, "router": {"url": url, "type": "llama-router"}})
    found = (await gateway.http.get("/api/backend-routes")).json()
    assert "POST /models/load" in _paths(found["router"], "Gateway Routes")
    assert "POST /models/load" not in _paths(found["vllm"], "Gateway Routes")


def test_whatever_is_named_is_a_route() -> None:
    offered = table().endpoints
    assert any(endpoint.operations for endpoint in offered)
    assert {endpoint.lifecycle for endpoint in offered} <= {None, "router"}
