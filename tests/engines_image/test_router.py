"""Loading and unloading of the models of llama-router."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engines_image.llama_client import (
    ENDLESS,
    chat_body,
    states,
    wait_for_states,
    wait_until,
    with_model,
    without_models,
)

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_a_request_does_not_load_its_model(start: Any) -> None:
    engine = await without_models(await start("llama-router"))
    response = await engine.http.post(CHAT, json=chat_body())
    assert response.status_code == 400
    assert response.json()["error"] == {"code": 400, "message": "model is not loaded", "type": "invalid_request_error"}


async def test_one_model_is_loaded_at_a_time(start: Any) -> None:
    engine = await with_model(await without_models(await start("llama-router")), "coder")
    await with_model(engine, "chat")
    assert await states(engine) == {"chat": "loaded", "coder": "unloaded"}


async def test_an_unloaded_model_refuses_requests(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    assert (await engine.http.post("/models/unload", json={"model": "chat"})).json() == {"success": True}
    await wait_for_states(engine, chat="unloaded")
    assert (await engine.http.post(CHAT, json=chat_body())).status_code == 400


@pytest.mark.parametrize(
    ("path", "model", "status", "message"),
    [
        ("/models/load", "chat", 400, "already running"),
        ("/models/load", "none", 404, "not found"),
        ("/models/unload", "coder", 400, "not running"),
        ("/models/unload", "none", 400, "not found"),
        (CHAT, "none", 400, "'none' not found"),
        (CHAT, "", 400, "missing"),
    ],
)
async def test_an_invalid_load_or_unload_is_refused(
    start: Any, path: str, model: str, status: int, message: str
) -> None:
    engine = await with_model(await start("llama-router"))
    response = await engine.http.post(path, json=chat_body(model))
    assert response.status_code == status
    assert message in response.json()["error"]["message"]


async def test_unloading_a_model_ends_its_streams_with_an_error(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    streaming = asyncio.create_task(engine.http.post(CHAT, json=chat_body(stream=True, **ENDLESS)))
    await wait_until(lambda: is_running(engine))
    await engine.http.post("/models/unload", json={"model": "chat"})
    text = (await streaming).text
    assert '"error":{"code":503' in text.split("\n\n")[-2]
    await wait_for_states(engine, chat="unloaded")


async def test_a_file_that_is_not_a_model_is_listed_as_failed(start: Any, models: Path, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat/broken.gguf").write_bytes(b"GGUF" + bytes(100))
    engine = await start("llama-router", SYNAPSE_ENGINES_MODELS=str(tmp_path))
    assert (await engine.http.post("/models/load", json={"model": "broken"})).status_code == 200
    await wait_for_states(engine, broken="unloaded")
    (entry,) = (await engine.http.get("/models")).json()["data"]
    assert entry["status"]["failed"] is True
    assert (await engine.http.get("/health")).status_code == 200


async def test_reload_lists_new_files(start: Any, models: Path, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    engine = await start("llama-router", SYNAPSE_ENGINES_MODELS=str(tmp_path))
    assert await states(engine) == {}
    (tmp_path / "chat/new.gguf").write_bytes((models / "chat/chat.gguf").read_bytes())
    await engine.http.get("/models", params={"reload": "1"})
    await with_model(engine, "new")


async def test_properties_and_metadata(start: Any) -> None:
    engine = await with_model(await start("llama-router"))
    assert (await engine.http.get("/props")).json()["role"] == "router"
    props = (await engine.http.get("/props", params={"model": "chat"})).json()
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert "<|im_start|>" in props["chat_template"]
    entries = {entry["id"]: entry for entry in (await engine.http.get("/v1/models")).json()["data"]}
    assert entries["chat"]["meta"]["name"] == "Letters"
    assert "--ctx-size" in entries["chat"]["status"]["args"]


async def test_the_gateway_loads_the_requested_model(start: Any, gateway: Any) -> None:
    engine = await without_models(await start("llama-router"))
    targets = {name: [{"backend": "router", "model": name}] for name in ("chat", "coder")}
    front = await gateway({"router": engine}, targets, SYNAPSE_MODEL_POLL_SECONDS="0.05")
    for model in ("chat", "coder"):
        response = await front.http.post(CHAT, json=chat_body(model))
        assert response.status_code == 200, response.text
        assert response.json()["choices"][0]["message"]["content"]
        streamed = await front.http.post(CHAT, json=chat_body(model, stream=True))
        assert streamed.text.endswith("data: [DONE]\n\n")
    assert await states(engine) == {"chat": "unloaded", "coder": "loaded"}
    unloaded = await front.http.post("/models/unload", json={"model": "coder"})
    assert unloaded.status_code == 200
    await wait_for_states(engine, coder="unloaded")
    loaded = await front.http.post("/models/load", json={"model": "coder"})
    assert loaded.json()["success"] is True
    await wait_for_states(engine, coder="loaded")


async def is_running(engine: Any) -> bool:
    response = await engine.http.get("/metrics", params={"model": "chat"})
    return "requests_processing 1" in response.text
