"""Ollama's API with an Ollama backend: requests and responses are passed on unchanged."""

import asyncio
from typing import Any

import ollama
import pytest
from aiohttp import web

pytestmark = pytest.mark.anyio
MESSAGES = [{"role": "user", "content": "Hi"}]
FRAME = b'{"model":"llama3.1:8b","message":{"role":"assistant","content":"Hel"},"done":false}\n'
LAST = b'{"model":"llama3.1:8b","message":{"role":"assistant","content":""},"done":true,"eval_count":2}\n'
ROUTE = {"llama": [{"backend": "vllm", "model": "meta/Llama"}, {"backend": "one", "model": "llama3.1:8b"}]}


def native(backend: Any) -> dict[str, str]:
    return {"url": backend.url, "type": "ollama"}


async def test_a_native_response_is_passed_on_unchanged(start: Any, fake: Any) -> None:
    backend, other = await fake({"POST /api/chat": lambda *_: LAST}), await fake()
    gateway = await start({"vllm": other, "one": native(backend)}, ROUTE)
    body = b'{"model":"llama","messages":[{"role":"user","content":"Hi"}],"stream":false,"options":{"num_ctx":7}}'
    answer = await gateway.http.post("/api/chat", content=body)
    assert answer.content == LAST
    assert backend.requests[0].body == body.replace(b'"llama"', b'"llama3.1:8b"')
    assert other.requests == []


async def test_a_native_stream_is_passed_on_line_by_line(start: Any, fake: Any) -> None:
    seen = asyncio.Event()

    async def stream(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(FRAME)
        await seen.wait()
        await response.write(LAST)
        await response.write_eof()
        return response

    gateway = await start({"one": native(await fake({"POST /api/chat": stream}))})
    parts = []
    async with ollama.AsyncClient(gateway.url) as client:
        async for part in await client.chat("llama3.1:8b", MESSAGES, stream=True):
            parts.append(part.message.content)
            seen.set()
    assert parts == ["Hel", ""]


async def test_a_native_call_falls_back_to_another_ollama_only(start: Any, fake: Any) -> None:
    gone, other = await fake(), await fake({"POST /api/generate": lambda *_: b'{"response":"Hello.","done":true}'})
    gone.handlers["POST /api/generate"] = lambda *_: web.Response(status=503)
    vllm = await fake()
    route = {"llama": [*ROUTE["llama"], {"backend": "two", "model": "llama3:8b"}]}
    gateway = await start({"vllm": vllm, "one": native(gone), "two": native(other)}, route)
    answer = await gateway.http.post("/api/generate", json={"model": "llama", "prompt": "Hi"})
    assert answer.json()["response"] == "Hello."
    assert (other.requests[0].json()["model"], vllm.requests) == ("llama3:8b", [])


async def test_native_vectors_models_and_refusals_are_passed_on(start: Any, fake: Any) -> None:
    refusal = web.json_response({"error": "model is required"}, status=400)
    backend = await fake(
        {
            "POST /api/embed": lambda *_: {"embeddings": [[0.5]]},
            "POST /api/embeddings": lambda *_: {"embedding": [0.25]},
            "POST /api/show": lambda *_: {"capabilities": ["tools"], "model_info": {"x": 1}},
            "POST /api/chat": lambda *_: refusal,
        }
    )
    gateway = await start({"one": native(backend)})
    async with ollama.AsyncClient(gateway.url) as client:
        assert (await client.embed("m", "a")).embeddings == [[0.5]]
        assert (await client.embeddings("m", "a")).embedding == [0.25]
        assert (await client.show("m")).capabilities == ["tools"]
        with pytest.raises(ollama.ResponseError, match="model is required") as failure:
            await client.chat("m", MESSAGES)
    assert failure.value.status_code == 400


async def test_models_in_memory_are_those_of_all_reachable_ollamas(start: Any, fake: Any) -> None:
    one = await fake({"GET /api/ps": lambda *_: {"models": [{"name": "a", "size_vram": 0}]}})
    two = await fake({"GET /api/ps": lambda *_: b"["})
    three = await fake({"GET /api/ps": lambda *_: web.Response(status=500)})
    gateway = await start({"one": native(one), "two": native(two), "three": native(three)})
    assert (await gateway.http.get("/api/ps")).json() == {"models": [{"name": "a", "size_vram": 0}]}
