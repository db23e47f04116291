"""Fake llama.cpp router: models with states, listed and changed as the real one does."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from tests.gateway.fakes import ANSWER, Handler

GENERAL = "Qwen3-8B-Q4_K_M"
CODER = "Qwen2.5-Coder-7B-Instruct-Q4_K_M"
RUNNING = {"loading", "loaded", "sleeping"}
FAST = {
    "SYNAPSE_MODEL_POLL_SECONDS": "0.01",
    "SYNAPSE_MODEL_AWAY_SECONDS": "10",
    "SYNAPSE_MODEL_BUSY_SECONDS": "30",
    "SYNAPSE_MODEL_LOAD_SECONDS": "30",
}
"""Settings for a fake router: frequent polls, and timeouts that no test reaches by accident."""


class Router:
    """Fake router. *states*: by model id; a load completes when `ready` is set, a chat when `go` is."""

    def __init__(self, ids: Iterable[str] = (GENERAL, CODER), context_tokens: int = 16384) -> None:
        self.states = dict.fromkeys(ids, "unloaded")
        self.context_tokens = context_tokens
        self.failed: set[str] = set()
        self.broken: set[str] = set()  # these do not start
        self.loads: list[str] = []
        self.unloads: list[str] = []
        self.listings = 0
        self.chats: Counter[str] = Counter()
        self.taken_from_a_call: list[str] = []
        self.ready = asyncio.Event()
        self.ready.set()
        self.go = asyncio.Event()
        self.go.set()

    @property
    def handlers(self) -> dict[str, Handler]:
        return {
            "GET /models": self._list,
            "GET /v1/models": self._list,
            "POST /models/load": self._load,
            "POST /models/unload": self._unload,
            "POST /v1/chat/completions": self._chat,
        }

    def restart(self) -> None:
        self.states = dict.fromkeys(self.states, "unloaded")

    def _list(self, *_: Any) -> Any:
        self.listings += 1
        answer = {"object": "list", "data": [self._entry(name) for name in self.states]}
        if self.ready.is_set():
            for name in [name for name, state in self.states.items() if state == "loading"]:
                self.states[name] = "unloaded" if name in self.broken else "loaded"
                self.failed |= self.broken & {name}
        return answer

    def _entry(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = {
            "value": self.states[name],
            "args": ["llama-server", "--ctx-size", str(self.context_tokens)],
        }
        if name in self.failed:
            status |= {"failed": True, "exit_code": 1}
        return {"id": name, "object": "model", "created": 7, "owned_by": "llamacpp", "status": status}

    def _load(self, _: web.BaseRequest, body: bytes) -> Any:
        name = msgspec.json.decode(body)["model"]
        if name not in self.states:
            return refuse(404, f"model '{name}' not found")
        if self.states[name] in RUNNING:
            return refuse(400, "model is already running")
        self.loads.append(name)
        self.failed.discard(name)
        self.states[name] = "loading"
        return {"success": True}

    def _unload(self, _: web.BaseRequest, body: bytes) -> Any:
        name = msgspec.json.decode(body)["model"]
        if self.states.get(name) not in RUNNING:
            return refuse(400, "model is not running")
        if self.chats[name]:
            self.taken_from_a_call.append(name)
        self.unloads.append(name)
        self.states[name] = "unloaded"
        return {"success": True}

    async def _chat(self, _: web.BaseRequest, body: bytes) -> Any:
        name = msgspec.json.decode(body).get("model")
        if self.states.get(name) == "loading":
            return refuse(503, "Loading model")
        if self.states.get(name) not in {"loaded", "sleeping"}:
            return refuse(400, "model is not loaded")
        self.chats[name] += 1
        try:
            await self.go.wait()
        finally:
            self.chats[name] -= 1
        return {**ANSWER, "model": name}


def refuse(status: int, message: str) -> web.Response:
    error = {"code": status, "message": message, "type": "invalid_request_error"}
    return web.json_response({"error": error}, status=status)


def asking(model: str | None, *words: str) -> dict[str, Any]:
    """Return a chat request to *model* with one message for each of *words*."""
    messages = [{"role": "user", "content": text} for text in words or ("Hi",)]
    return {"messages": messages} if model is None else {"model": model, "messages": messages}


def models_of(gateway: Any) -> Any:
    """Return the `RouterModels` of *gateway*."""
    return gateway.gateway.registry.upstreams["router"].models


def waiting(gateway: Any, model: str = GENERAL) -> Any:
    """Return the futures of the calls that wait for *model*."""
    return models_of(gateway)._waiting.get(model, [])
