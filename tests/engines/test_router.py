"""llama-router: models come and go when they are told to."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engines.chatting import ENDLESS, asking, eventually, fresh, loaded, states, until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_nothing_is_loaded_by_itself(start: Any) -> None:
    engine = await fresh(await start("llama-router"))
    answer = await engine.http.post(CHAT, json=asking())
    assert answer.status_code == 400
    assert answer.json()["error"] == {"code": 400, "message": "model is not loaded", "type": "invalid_request_error"}


async def test_one_model_is_loaded_at_a_time(start: Any) -> None:
    engine = await loaded(await fresh(await start("llama-router")), "coder")
    await loaded(engine, "chat")
    assert await states(engine) == {"chat": "loaded", "coder": "unloaded"}


async def test_a_model_that_was_unloaded_does_not_answer(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    assert (await engine.http.post("/models/unload", json={"model": "chat"})).json() == {"success": True}
    await until(engine, chat="unloaded")
    assert (await engine.http.post(CHAT, json=asking())).status_code == 400


@pytest.mark.parametrize(
    ("path", "model", "status", "words"),
    [
        ("/models/load", "chat", 400, "already running"),
        ("/models/load", "none", 404, "not found"),
        ("/models/unload", "coder", 400, "not running"),
        ("/models/unload", "none", 400, "not found"),
        (CHAT, "none", 400, "'none' not found"),
        (CHAT, "", 400, "missing"),
    ],
)
async def test_orders_that_cannot_be_carried_out(start: Any, path: str, model: str, status: int, words: str) -> None:
    engine = await loaded(await start("llama-router"))
    answer = await engine.http.post(path, json=asking(model))
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


async def test_unloading_ends_a_stream_with_an_error(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    streaming = asyncio.create_task(engine.http.post(CHAT, json=asking(stream=True, **ENDLESS)))
    await eventually(lambda: works(engine))
    await engine.http.post("/models/unload", json={"model": "chat"})
    text = (await streaming).text
    assert '"error":{"code":503' in text.split("\n\n")[-2]
    await until(engine, chat="unloaded")


async def test_a_file_that_is_no_model_fails_and_says_so(start: Any, models: Path, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat/broken.gguf").write_bytes(b"GGUF" + bytes(100))
    engine = await start("llama-router", SYNAPSE_ENGINES_MODELS=str(tmp_path))
    assert (await engine.http.post("/models/load", json={"model": "broken"})).status_code == 200
    await until(engine, broken="unloaded")
    (entry,) = (await engine.http.get("/models")).json()["data"]
    assert entry["status"]["failed"] is True
    assert (await engine.http.get("/health")).status_code == 200


async def test_a_new_file_is_seen_when_the_list_is_read_again(start: Any, models: Path, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    engine = await start("llama-router", SYNAPSE_ENGINES_MODELS=str(tmp_path))
    assert await states(engine) == {}
    (tmp_path / "chat/late.gguf").write_bytes((models / "chat/chat.gguf").read_bytes())
    await engine.http.get("/models", params={"reload": "1"})
    await loaded(engine, "late")


async def test_it_tells_what_it_is(start: Any) -> None:
    engine = await loaded(await start("llama-router"))
    assert (await engine.http.get("/props")).json()["role"] == "router"
    props = (await engine.http.get("/props", params={"model": "chat"})).json()
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert "<|im_start|>" in props["chat_template"]
    entries = {entry["id"]: entry for entry in (await engine.http.get("/v1/models")).json()["data"]}
    assert entries["chat"]["meta"]["name"] == "Letters"
    assert "--ctx-size" in entries["chat"]["status"]["args"]


async def test_the_gateway_loads_what_is_asked_for(start: Any, gateway: Any) -> None:
    engine = await fresh(await start("llama-router"))
    targets = {name: [{"backend": "router", "model": name}] for name in ("chat", "coder")}
    front = await gateway({"router": engine}, targets, SYNAPSE_MODEL_POLL_SECONDS="0.05")
    for model in ("chat", "coder"):
        answer = await front.http.post(CHAT, json=asking(model))
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"]
        streamed = await front.http.post(CHAT, json=asking(model, stream=True))
        assert streamed.text.endswith("data: [DONE]\n\n")
    assert await states(engine) == {"chat": "unloaded", "coder": "loaded"}
    unloaded = await front.http.post("/models/unload", json={"model": "coder"})
    assert unloaded.status_code == 200
    await until(engine, coder="unloaded")
    ordered = await front.http.post("/models/load", json={"model": "coder"})
    assert ordered.json()["success"] is True
    await until(engine, coder="loaded")


async def works(engine: Any) -> bool:
    answer = await engine.http.get("/metrics", params={"model": "chat"})
    return "requests_processing 1" in answer.text
