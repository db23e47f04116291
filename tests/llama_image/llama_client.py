"""Chat requests, model states and streams of a real llama-router."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tests.llama_image.llama_process import LlamaClient

LOAD_S = 600
ENDLESS: dict[str, Any] = {"max_tokens": 6000, "ignore_eos": True}
"""Options of a response that takes a minute or more."""


def chat_body(model: str = "chat", text: str = "Tell me about rain.", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 24, "seed": 7, **more}


def chunks(text: str) -> list[dict[str, Any]]:
    """Return the chunks of a complete stream."""
    parts = text.strip().split("\n\n")
    assert parts[-1] == "data: [DONE]"
    return [msgspec.json.decode(part.removeprefix("data: ")) for part in parts[:-1]]


async def states(engine: LlamaClient) -> dict[str, str]:
    entries = (await engine.http.get("/models")).json()["data"]
    return {entry["id"]: entry["status"]["value"] for entry in entries}


async def wait_for_states(engine: LlamaClient, **expected: str) -> None:
    await wait_until(lambda: _has_states(engine, expected))


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LOAD_S):
        while not await condition():  # noqa: ASYNC110 - it changes in another process
            await asyncio.sleep(0.05)


async def _has_states(engine: LlamaClient, expected: dict[str, str]) -> bool:
    return expected.items() <= (await states(engine)).items()


async def with_model(engine: LlamaClient, model: str = "chat") -> LlamaClient:
    """Load *model*, unless it is loaded."""
    if (await states(engine))[model] != "loaded":
        response = await engine.http.post("/models/load", json={"model": model})
        assert response.status_code == 200, response.text
        await wait_for_states(engine, **{model: "loaded"})
    return engine


async def without_models(engine: LlamaClient) -> LlamaClient:
    """Unload all models."""
    for model, state in (await states(engine)).items():
        if state != "unloaded":
            await engine.http.post("/models/unload", json={"model": model})
    await wait_for_states(engine, chat="unloaded", coder="unloaded")
    return engine
