"""Loading and unloading of models by llama-router: the real server in router mode."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from infra.catalog.cpu import ENGINES
from tests.llama_image.llama_client import (
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
    server = await without_models(await start("llama-router"))
    response = await server.http.post(CHAT, json=chat_body())
    assert response.status_code == 400
    assert response.json()["error"] == {"code": 400, "message": "model is not loaded", "type": "invalid_request_error"}


async def test_one_model_is_loaded_at_a_time(start: Any) -> None:
    server = await with_model(await without_models(await start("llama-router")), "coder")
    await with_model(server, "chat")
    assert await states(server) == {"chat": "loaded", "coder": "unloaded"}


async def test_an_unloaded_model_refuses_requests(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    assert (await server.http.post("/models/unload", json={"model": "chat"})).json() == {"success": True}
    await wait_for_states(server, chat="unloaded")
    assert (await server.http.post(CHAT, json=chat_body())).status_code == 400


@pytest.mark.parametrize(
    ("path", "model", "status", "message"),
    [
        ("/models/load", "chat", 400, "already running"),
        ("/models/load", "none", 404, "File Not Found"),
        ("/models/unload", "coder", 400, "not running"),
        ("/models/unload", "none", 400, "not found"),
        (CHAT, "none", 400, "'none' not found"),
        (CHAT, "", 400, "missing"),
    ],
)
async def test_an_invalid_load_or_unload_is_refused(
    start: Any, path: str, model: str, status: int, message: str
) -> None:
    server = await with_model(await start("llama-router"))
    response = await server.http.post(path, json=chat_body(model))
    assert response.status_code == status
    assert message in response.json()["error"]["message"]


async def test_unloading_a_model_cuts_its_streams(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    streaming = asyncio.create_task(server.http.post(CHAT, json=chat_body(stream=True, **ENDLESS)))
    await wait_until(lambda: is_running(server))
    await server.http.post("/models/unload", json={"model": "chat"})
    text = (await streaming).text
    assert text.startswith("data: ")
    assert "[DONE]" not in text  # a client sees by this that the answer is not complete
    await wait_for_states(server, chat="unloaded")


async def test_a_file_that_is_not_a_model_is_listed_as_failed(start: Any, folder: Path) -> None:
    (folder / "llm/broken.gguf").write_bytes(b"GGUF" + bytes(100))
    server = await start("llama-router", folder)
    assert (await server.http.post("/models/load", json={"model": "broken"})).status_code == 200
    await wait_until(lambda: has_failed(server, "broken"))
    assert (await states(server))["broken"] == "unloaded"
    assert (await server.http.get("/health")).status_code == 200


async def test_reload_lists_new_files(start: Any, models: Path, folder: Path) -> None:
    server = await start("llama-router", folder)
    assert "new" not in await states(server)
    (folder / "llm/new.gguf").symlink_to(models / "llm/chat.gguf")
    await server.http.get("/models", params={"reload": "1"})
    await with_model(server, "new")


async def test_properties_and_arguments(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    assert (await server.http.get("/props")).json()["role"] == "router"
    props = (await server.http.get("/props", params={"model": "chat"})).json()
    assert props["default_generation_settings"]["n_ctx"] == 8192
    assert "<|im_start|>" in props["chat_template"]
    entries = {entry["id"]: entry for entry in (await server.http.get("/v1/models")).json()["data"]}
    words = entries["chat"]["status"]["args"]
    assert words[words.index("--ctx-size") + 1] == "8192"
    assert words[words.index("--n-predict") + 1] == "2048"  # the end of a response to a request that sets no limit


async def test_the_memory_stays_below_its_claim(start: Any) -> None:
    server = await with_model(await start("llama-router"))
    await server.http.post(CHAT, json=chat_body(text="long " * 3000, max_tokens=1))
    assert server.process.peak_memory() < ENGINES["llama-router"].claim.memory_limit


@pytest.fixture
def folder(tmp_path: Path, models: Path) -> Path:
    """Folder of models for a server of its own."""
    (tmp_path / "llm").mkdir()
    (tmp_path / "templates").symlink_to(models / "templates")
    return tmp_path


async def has_failed(server: Any, model: str) -> bool:
    entries = {entry["id"]: entry["status"] for entry in (await server.http.get("/models")).json()["data"]}
    return bool(entries[model].get("failed"))


async def test_the_gateway_loads_the_requested_model(start: Any, gateway: Any) -> None:
    server = await without_models(await start("llama-router"))
    targets = {name: [{"backend": "router", "model": name}] for name in ("chat", "coder")}
    front = await gateway({"router": server}, targets, SYNAPSE_MODEL_POLL_SECONDS="0.05")
    for model in ("chat", "coder"):
        response = await front.http.post(CHAT, json=chat_body(model))
        assert response.status_code == 200, response.text
        assert response.json()["choices"][0]["message"]["content"]
        streamed = await front.http.post(CHAT, json=chat_body(model, stream=True))
        assert streamed.text.endswith("data: [DONE]\n\n")
    assert await states(server) == {"chat": "unloaded", "coder": "loaded"}
    unloaded = await front.http.post("/models/unload", json={"model": "coder"})
    assert unloaded.status_code == 200
    await wait_for_states(server, coder="unloaded")
    loaded = await front.http.post("/models/load", json={"model": "coder"})
    assert loaded.json()["success"] is True
    await wait_for_states(server, coder="loaded")


async def is_running(server: Any) -> bool:
    response = await server.http.get("/metrics", params={"model": "chat"})
    return "requests_processing 1" in response.text
