"""GET /v1/models: one list over all backends, public names first."""

from typing import Any

import pytest
from aiohttp import web

from synapse_gateway.upstream.adapters import ADAPTERS, Adapter
from tests.gateway.fakes import forever

pytestmark = pytest.mark.anyio


def listing(*ids: str) -> Any:
    data = [{"id": name, "object": "model", "created": 5, "owned_by": "maker", "meta": {"n": 1}} for name in ids]
    return lambda *_: {"object": "list", "data": data}


async def test_public_names_come_first_and_each_model_once(start: Any, fake: Any) -> None:
    one = await fake({"GET /v1/models": listing("own/name", "shared")})
    two = await fake({"GET /v1/models": listing("shared", "other")})
    routes = {
        "public": [{"backend": "two", "model": "unlisted"}, "one"],
        "nice": [{"backend": "one", "model": "own/name"}],
    }
    gateway = await start({"one": one, "two": two}, routes)
    answer = (await gateway.http.get("/v1/models")).json()
    assert answer["object"] == "list"
    assert [(entry["id"], entry["owned_by"], entry["created"]) for entry in answer["data"]] == [
        ("public", "two", 0),
        ("nice", "one", 5),
        ("own/name", "one", 5),
        ("shared", "one", 5),
        ("other", "two", 5),
    ]
    assert {entry["object"] for entry in answer["data"]} == {"model"}
    assert answer["data"][1]["meta"] == {"n": 1}


@pytest.mark.parametrize("name", ["own/name", "own%2Fname", "a:b", "a%3Ab"])
async def test_a_model_is_found_by_any_form_of_its_name(start: Any, fake: Any, name: str) -> None:
    gateway = await start({"one": await fake({"GET /v1/models": listing("own/name", "a:b")})})
    answer = await gateway.http.get(f"/v1/models/{name}")
    assert answer.json()["id"] == ("own/name" if "own" in name else "a:b")
    assert answer.json()["owned_by"] == "one"


async def test_an_unknown_model_is_404(start: Any, fake: Any) -> None:
    gateway = await start({"one": await fake({"GET /v1/models": listing("a")})})
    refused = await gateway.http.get("/v1/models/b")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_failing_backend_is_left_out_with_its_names(start: Any, fake: Any) -> None:
    broken = await fake({"GET /v1/models": lambda *_: web.Response(status=500)})
    garbled = await fake({"GET /v1/models": lambda *_: b"{"})
    silent = await fake({"GET /v1/models": forever})
    good = await fake({"GET /v1/models": listing("a")})
    gateway = await start(
        {"broken": broken, "garbled": garbled, "silent": silent, "good": good},
        {"lost": ["broken"], "kept": ["broken", "good"]},
        SYNAPSE_TIMEOUT_DEFAULT_SECONDS="1",
    )
    answer = await gateway.http.get("/v1/models")
    assert [(entry["id"], entry["owned_by"]) for entry in answer.json()["data"]] == [("kept", "good"), ("a", "good")]


async def test_a_broken_list_is_a_failure(start: Any, fake: Any) -> None:
    async def break_off(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    gateway = await start({"one": await fake({"GET /v1/models": break_off})})
    refused = await gateway.http.get("/v1/models")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backend_unavailable")


async def test_without_backends_the_list_is_unavailable(start: Any, fake: Any) -> None:
    one = await fake()
    await one.stop()
    gateway = await start({"one": one}, {"public": ["one"]})
    refused = await gateway.http.get("/v1/models")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backend_unavailable")


async def test_backends_without_a_model_list_are_skipped(start: Any, fake: Any) -> None:
    gateway = await start({"audio": {"url": (await fake()).url, "type": "deepfilter"}})
    refused = await gateway.http.get("/v1/models")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backend_not_configured")


@pytest.mark.parametrize("health", [200, 503])
async def test_the_routes_of_an_encoder_without_a_list_are_listed_while_it_is_healthy(
    start: Any, fake: Any, monkeypatch: pytest.MonkeyPatch, health: int
) -> None:
    monkeypatch.setitem(ADAPTERS, "tei", Adapter(paths={"embeddings": "/v1/embeddings"}))
    encoder = await fake({"GET /health": lambda *_: web.Response(status=health)})
    backends = {"chat": await fake({"GET /v1/models": listing("a")}), "tei": {"url": encoder.url, "type": "tei"}}
    gateway = await start(backends, {"bge-m3": [{"backend": "tei", "model": "BAAI/bge-m3"}]})
    answer = await gateway.http.get("/v1/models")
    names = [(entry["id"], entry["owned_by"]) for entry in answer.json()["data"]]
    assert names == [*([("bge-m3", "tei")] if health == 200 else []), ("a", "chat")]


async def test_an_encoder_without_a_list_is_enough_for_a_list(
    start: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ADAPTERS, "tei", Adapter(paths={"embeddings": "/v1/embeddings"}))
    gateway = await start({"tei": {"url": (await fake()).url, "type": "tei"}}, {"bge-m3": ["tei"]})
    assert [entry["id"] for entry in (await gateway.http.get("/v1/models")).json()["data"]] == ["bge-m3"]
