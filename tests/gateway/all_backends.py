"""Gateway with one backend of every type, each with a response for every operation of its type."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from anyio.from_thread import start_blocking_portal

from synapse_gateway.upstream.adapters import ADAPTERS
from tests.gateway.fake_tts import sound, upload_response
from tests.gateway.fakes import ANSWER, Fake, Handler, events
from tests.gateway.kubernetes import Kubernetes, account, serving
from tests.gateway.recordings import NATIVE, VERBOSE
from tests.gateway.router import FAST, Router
from tests.gateway.running_gateway import RunningGateway, running

KEY = "everything-needs-a-key"
VECTORS = {"object": "list", "model": "stub", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
OLLAMA_MESSAGE = {"role": "assistant", "content": "Hello."}
OLLAMA_RESPONSE = {"model": "stub", "message": OLLAMA_MESSAGE, "response": "Hello.", "done": True}
DELTA = {"choices": [{"index": 0, "delta": {"content": "Hello."}, "text": "Hello.", "finish_reason": "stop"}]}
LANGUAGE = {"detected_language": "en", "probability": 0.9, "all_languages": [{"code": "en", "name": "en"}]}
TURN = {"speaker": "SPEAKER_00", "start": 0.0, "end": 1.0}


def or_stream(whole: Any) -> Handler:
    """Return a handler for *whole*, or for a stream if the body requests one."""

    def answer(request: web.BaseRequest, body: bytes) -> Any:
        return events(request, DELTA) if msgspec.json.decode(body).get("stream") else whole

    return answer


def lines(request: web.BaseRequest, body: bytes) -> web.Response:
    """Return Ollama's response, as a stream of one line by default."""
    is_whole = msgspec.json.decode(body).get("stream") is False
    return web.Response(
        body=msgspec.json.encode(OLLAMA_RESPONSE) + b"\n",
        content_type="application/json" if is_whole else "application/x-ndjson",
    )


def segments(request: web.BaseRequest, body: bytes) -> web.Response:
    return web.Response(body=b"event: done\ndata: {}\n\n", content_type="text/event-stream")


ANSWERS: dict[str, Handler] = {
    "POST /v1/chat/completions": or_stream(ANSWER),
    "POST /v1/completions": or_stream({**ANSWER, "choices": [{"index": 0, "text": "Hello.", "finish_reason": "stop"}]}),
    "POST /v1/responses": or_stream({"id": "resp_1", "object": "response", "output": []}),
    "POST /v1/embeddings": lambda *_: VECTORS,
    "POST /v1/rerank": lambda *_: {"results": [{"index": 0, "relevance_score": 0.5}]},
    "POST /v1/audio/speech": sound,
    "POST /tts": sound,
    "POST /upload_reference": upload_response,
    "POST /v1/audio/transcriptions": lambda *_: VERBOSE,
    "POST /v1/audio/translations": lambda *_: VERBOSE,
    "POST /transcribe": lambda *_: NATIVE,
    "POST /detect-language": lambda *_: LANGUAGE,
    "POST /stream": segments,
    "POST /diarize": lambda *_: {"num_speakers": 1, "segments": [TURN], "duration": 1.0},
    "POST /verify": lambda *_: {"is_same_speaker": True, "similarity_score": 0.8, "threshold": 0.5},
    "POST /denoise": sound,
    "POST /convert": sound,
    "POST /api/chat": lines,
    "POST /api/generate": lines,
    "POST /api/embed": lambda *_: {"model": "stub", "embeddings": [[0.5]]},
    "POST /api/embeddings": lambda *_: {"embedding": [0.5]},
    "POST /api/show": lambda *_: {"capabilities": ["completion"]},
    "GET /api/ps": lambda *_: {"models": []},
    "GET /is_sleeping": lambda *_: {"is_sleeping": False},
}
ROUTES = {"stub": ["openai", "litellm"], "llama": ["ollama"], "gpu": ["vllm", "sglang"], "whisper-1": ["whisper"]}


@asynccontextmanager
async def gateway_of_all_backends(folder: Path) -> AsyncIterator[RunningGateway]:
    """Run the gateway; its API needs the key `KEY`, of scope admin."""
    router, backends = Router(), {kind: Fake(ANSWERS) for kind in ADAPTERS}
    backends["llama-router"] = Fake({**ANSWERS, **router.handlers})
    tls = account(folder / "account")
    args = ["--ctx-size", "16384"]
    async with serving(
        Kubernetes(folder / "account", args, lambda changed: _roll_out(router, changed)), tls
    ) as kubernetes:
        for backend in backends.values():
            await backend.__aenter__()
        sections = {kind: {"url": backend.url, "type": kind} for kind, backend in backends.items()}
        environment = {**FAST, **kubernetes.environment, "SYNAPSE_API_KEYS": f"{KEY};scope=admin"}
        async with running(folder, sections, ROUTES, environment) as gateway:
            yield gateway
        for backend in backends.values():
            await backend.__aexit__(None, None, None)


def _roll_out(router: Router, args: list[str]) -> None:
    router.context_tokens = int(args[args.index("--ctx-size") + 1])
    router.restart()


@contextmanager
def in_another_thread(folder: Path) -> Iterator[RunningGateway]:
    """Run `gateway_of_all_backends` for a synchronous test."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(gateway_of_all_backends(folder)) as gateway,
    ):
        yield gateway
