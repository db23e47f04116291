"""GET /api/backend-routes: routes of each backend, without addresses."""

from typing import Any

import pytest

from synapse_gateway.api.endpoint_table import table

pytestmark = pytest.mark.anyio


def _paths(backend: Any, title: str) -> list[str]:
    (group,) = [group for group in backend["groups"] if group["title"] == title]
    return [f"{route['method']} {route['path']}" for route in group["routes"]]


async def test_each_backend_lists_the_routes_that_may_reach_it(start: Any, fake: Any) -> None:
    url = (await fake()).url
    gateway = await start(
        {
            "vllm": {"url": url, "type": "vllm", "tasks": ["chat"]},
            "embed": {"url": url, "type": "openai", "tasks": ["embeddings"], "health": "/up"},
            "llama-router": {"url": url, "type": "llama-router"},
        }
    )
    answer = await gateway.http.get("/api/backend-routes")
    backends = answer.json()
    assert set(backends) == {"vllm", "embed", "llama-router"}
    assert backends["vllm"]["title"] == "vllm"
    assert "POST /v1/chat/completions" in _paths(backends["vllm"], "Gateway Routes")
    assert "POST /v1/embeddings" not in _paths(backends["vllm"], "Gateway Routes")
    assert "POST /v1/embeddings" in _paths(backends["embed"], "Gateway Routes")
    assert "POST /v1/chat/completions" not in _paths(backends["embed"], "Gateway Routes")
    assert _paths(backends["vllm"], "Ops") == ["GET /health"]
    assert _paths(backends["embed"], "Ops") == ["GET /up"]
    assert url not in answer.text
    assert "127.0.0.1" not in answer.text


async def test_routes_that_load_models_reach_a_router_only(start: Any, fake: Any) -> None:
    url = (await fake()).url
    gateway = await start({"vllm": {"url": url, "type": "vllm"}, "router": {"url": url, "type": "llama-router"}})
    backends = (await gateway.http.get("/api/backend-routes")).json()
    assert "POST /models/load" in _paths(backends["router"], "Gateway Routes")
    assert "POST /models/load" not in _paths(backends["vllm"], "Gateway Routes")


def test_every_operation_has_a_route() -> None:
    offered = table().endpoints
    assert any(endpoint.operations for endpoint in offered)
    assert {endpoint.lifecycle for endpoint in offered} <= {None, "router"}
