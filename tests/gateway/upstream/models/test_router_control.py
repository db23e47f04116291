"""Control of a router's models through the gateway: list, load, unload, and the scopes for it."""

import asyncio
import json
from typing import Any

import pytest

from synapse_gateway.auth.keys import ANONYMOUS
from tests.gateway.polling import until
from tests.gateway.router import CODER, GENERAL, Router, asking, refuse

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
KEYS = "admin-key;scope=admin,user-key"


async def test_the_list_is_the_routers_with_profiles(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.states[GENERAL] = "sleeping"
    await gateway.http.put(f"/models/{CODER}/profile", json={"temperature": 0.5})
    general, coder = (await gateway.http.get("/models")).json()["data"]
    assert (general["id"], general["status"]["value"], general["owned_by"]) == (GENERAL, "sleeping", "llamacpp")
    assert "synapse_profile" not in general["status"]
    assert coder["status"]["synapse_profile"] == coder["status"]["synapse_defaults"] == {"temperature": 0.5}
    assert coder["status"]["args"] == ["llama-server", "--ctx-size", "16384"]


async def test_a_load_returns_when_it_has_begun(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    answer = await gateway.http.post("/models/load", json={"model": GENERAL})
    assert answer.json() == {"success": True}
    assert answer.headers["x-synapse-backend"] == "router"
    assert router.states[GENERAL] == "loading"
    again = await gateway.http.post("/models/load", json={"model": GENERAL})
    assert again.json() == {"success": True, "already_loaded": True}


async def test_profile_fields_of_a_load_are_stored_first(launch: Any, router: Router, tmp_path: Any) -> None:
    gateway = await launch(SYNAPSE_MODEL_PROFILES_PATH=str(tmp_path / "profiles.json"))
    body = {"model": GENERAL, "temperature": 0.5, "top_k": 7}
    answer = await gateway.http.post("/models/load", json=body)
    assert answer.json() == {"success": True, "synapse_defaults": {"temperature": 0.5, "top_k": 7}}
    await gateway.http.post("/models/load", json={"model": GENERAL, "top_k": None})
    stored = json.loads((tmp_path / "profiles.json").read_text())
    assert stored["models"][GENERAL]["values"] == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "unheard-of"}, 404, "model_not_found"),
        ({"model": "unheard-of", "temperature": 0.5}, 404, "model_not_found"),
        ({"model": " "}, 422, "validation_error"),
        ({"model": 3}, 422, "validation_error"),
        ({}, 422, "validation_error"),
        ({"model": GENERAL, "temprature": 1}, 400, "unknown_field"),
        ({"model": GENERAL, "temperature": 9}, 400, "out_of_range"),
        ({"model": GENERAL, "top_k": True}, 400, "invalid_value"),
    ],
)
async def test_a_refused_load_stores_nothing(
    launch: Any, router: Router, body: dict[str, Any], status: int, code: str
) -> None:
    gateway = await launch()
    refused = await gateway.http.post("/models/load", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert router.loads == []
    assert not gateway.gateway.settings.profiles.exists()


async def test_nan_is_invalid_json(launch: Any) -> None:
    gateway = await launch()
    refused = await gateway.http.post("/models/load", content=b'{"model":"x","temperature":NaN}')
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_json")


async def test_a_load_unloads_no_model_in_use(launch: Any, router: Router) -> None:
    gateway = await launch(SYNAPSE_MODEL_BUSY_SECONDS="0.05")
    router.go.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    refused = await gateway.http.post("/models/load", json={"model": CODER})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_busy")
    assert router.loads == [GENERAL]
    router.go.set()
    assert (await call).status_code == 200


async def test_after_a_load_the_state_is_checked(launch: Any, router: Router) -> None:
    gateway = await launch()
    await gateway.http.post(CHAT, json=asking(GENERAL))
    await gateway.http.post("/models/load", json={"model": CODER})
    router.states[GENERAL] = "unloaded"  # the router made room
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200


async def test_a_call_waits_for_a_load_in_progress(launch: Any, router: Router) -> None:
    gateway = await launch()
    await gateway.http.post(CHAT, json=asking(GENERAL))
    router.restart()
    router.ready.clear()
    await gateway.http.post("/models/load", json={"model": GENERAL})
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: ANONYMOUS.quota.active)
    router.ready.set()
    assert (await call).status_code == 200


async def test_a_load_request_continues_when_its_client_leaves(launch: Any, router: Router, backend: Any) -> None:
    gateway, may_load = await launch(), asyncio.Event()
    load = backend.handlers["POST /models/load"]

    async def slowly(*request: Any) -> Any:
        await may_load.wait()
        return load(*request)

    backend.handlers["POST /models/load"] = slowly
    call = asyncio.create_task(gateway.http.post("/models/load", json={"model": GENERAL}))
    await until(lambda: backend.calls("/models/load"))
    call.cancel()
    await until(lambda: not ANONYMOUS.quota.active)
    may_load.set()
    await until(lambda: router.loads == [GENERAL])
    assert backend.cancelled == 0


async def test_an_unload_of_a_model_in_use_is_refused_at_once(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.go.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    refused = await gateway.http.post("/models/unload", json={"model": GENERAL})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_busy")
    assert router.unloads == []
    router.go.set()
    assert (await call).status_code == 200
    answer = await gateway.http.post("/models/unload", json={"model": GENERAL})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.loads == [GENERAL, GENERAL]


async def test_an_unload_of_a_loading_model_is_refused_at_once(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    refused = await gateway.http.post("/models/unload", json={"model": GENERAL})
    assert refused.json()["error"]["code"] == "model_busy"
    assert router.states[GENERAL] == "loading"
    router.ready.set()
    assert (await call).status_code == 200


async def test_an_unload_queued_behind_a_load_of_its_model_is_refused(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.states[CODER] = "loaded"
    router.ready.clear()
    router.go.clear()
    first = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    unload = asyncio.create_task(gateway.http.post("/models/unload", json={"model": CODER}))
    models = gateway.gateway.registry.upstreams["router"].models
    await until(lambda: models._change._waiters)
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(CODER)))
    await until(lambda: CODER in models._waiting)
    router.ready.set()
    router.go.set()
    assert (await unload).json()["error"]["code"] == "model_busy"
    assert {(await first).status_code, (await call).status_code} == {200}


async def test_the_routers_errors_of_an_unload_are_passed_on(launch: Any) -> None:
    gateway = await launch()
    for body, status in (({"model": GENERAL}, 400), ({"model": " "}, 422), ({"model": GENERAL, "x": 1}, 422)):
        assert (await gateway.http.post("/models/unload", json=body)).status_code == status


async def test_changes_need_scope_admin(launch: Any, router: Router) -> None:
    gateway = await launch(SYNAPSE_API_KEYS=KEYS)
    changes = (
        ("POST", "/models/load", {"model": GENERAL}),
        ("POST", "/models/unload", {"model": GENERAL}),
        ("PUT", f"/models/{GENERAL}/profile", {"top_k": 7}),
        ("POST", f"/models/{GENERAL}/profile/apply", {"load_model": True}),
    )
    for method, path, body in changes:
        for key, status in ((None, 401), ("wrong", 401), ("user-key", 403)):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            assert (await gateway.http.request(method, path, json=body, headers=headers)).status_code == status
    assert (router.loads, router.unloads) == ([], [])
    for method, path, body in (changes[0], changes[2], changes[3]):
        answer = await gateway.http.request(method, path, json=body, headers={"authorization": "Bearer admin-key"})
        assert answer.status_code == 200


async def test_reading_needs_any_key(launch: Any) -> None:
    gateway = await launch(SYNAPSE_API_KEYS=KEYS)
    for path in ("/v1/models", f"/v1/models/{GENERAL}", "/models", f"/models/{GENERAL}/schema"):
        assert (await gateway.http.get(path)).status_code == 401
        assert (await gateway.http.get(path, headers={"authorization": "Bearer user-key"})).status_code == 200


async def test_without_a_router_control_is_unavailable(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()})
    for method, path in (("GET", "/models"), ("POST", "/models/load"), ("GET", "/models/x/profile")):
        refused = await gateway.http.request(method, path, json={"model": "x"} if method == "POST" else None)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backend_not_configured")


async def test_the_routers_load_error_is_passed_on(launch: Any, backend: Any) -> None:
    backend.handlers["POST /models/load"] = lambda *_: refuse(403, "no")
    gateway = await launch()
    refused = await gateway.http.post("/models/load", json={"model": GENERAL})
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, "no")
