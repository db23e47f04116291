"""Chats with a router, and reading streams."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tests.engines.process import Engine

LOAD_S = 60
ENDLESS: dict[str, Any] = {
    "max_tokens": -1,
    "response_format": {"type": "json_object", "schema": {"type": "string", "minLength": 9000}},
}
"""An answer as long as the context: its string may not end before."""


def asking(model: str = "chat", text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 24, "seed": 7, **more}


def frames(text: str) -> list[dict[str, Any]]:
    """The frames of a stream, which ends as it should."""
    parts = text.strip().split("\n\n")
    assert parts[-1] == "data: [DONE]"
    return [msgspec.json.decode(part.removeprefix("data: ")) for part in parts[:-1]]


async def states(engine: Engine) -> dict[str, str]:
    listed = (await engine.http.get("/models")).json()["data"]
    return {entry["id"]: entry["status"]["value"] for entry in listed}


async def until(engine: Engine, **wanted: str) -> None:
    """Wait for models to be in these states."""
    await eventually(lambda: _has(engine, wanted))


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LOAD_S):
        while not await is_so():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)


async def _has(engine: Engine, wanted: dict[str, str]) -> bool:
    return wanted.items() <= (await states(engine)).items()


async def loaded(engine: Engine, model: str = "chat") -> Engine:
    if (await states(engine))[model] != "loaded":
        answer = await engine.http.post("/models/load", json={"model": model})
        assert answer.status_code == 200, answer.text
        await until(engine, **{model: "loaded"})
    return engine


async def fresh(engine: Engine) -> Engine:
    """Nothing is loaded."""
    for model, state in (await states(engine)).items():
        if state != "unloaded":
            await engine.http.post("/models/unload", json={"model": model})
    await until(engine, chat="unloaded", coder="unloaded")
    return engine
