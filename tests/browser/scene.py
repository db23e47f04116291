"""Gateway for the browser tests: a router with models, and backends for speech, transcription and embeddings."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from tests.gateway.fakes import Fake, events
from tests.gateway.feed_client import TOKEN, logging_requests
from tests.gateway.router import CODER, FAST, GENERAL, Router
from tests.gateway.running_gateway import RunningGateway, running
from tests.gateway.sounds import wav

WORDS = [
    "Synapse",
    "keeps",
    "one",
    "address",
    "in",
    "front",
    "of",
    "every",
    "model,",
    "and",
    "says",
    "where",
    "an",
    "answer",
    "came",
    "from.",
]
KEY = "a-key-that-the-page-does-not-have"
ENVIRONMENT = {
    **FAST,
    "SYNAPSE_API_KEYS": KEY,
    "SYNAPSE_DASHBOARD_ACCESS_TOKEN": TOKEN,
    "SYNAPSE_TERMINAL_FEED_MODE": "live",
    "SYNAPSE_INSTANCE_ID": "synapse-gateway-6d9f",
}


class Scene:
    """Gateway and fake backends; while `step` is clear, chat streams stop after their first part."""

    def __init__(self) -> None:
        self.router = Router((GENERAL, CODER, "gpt-oss-20b-MXFP4", "GLM-4.7-Flash-Q4_K_M"))
        self.router.states[GENERAL] = "loaded"
        self.step = asyncio.Event()
        self.step.set()
        self.pause: Callable[[], Awaitable[Any]] = self.step.wait
        self.speech = Fake({"POST /v1/audio/speech": _speech})
        self.listener = Fake({"POST /v1/audio/transcriptions": lambda *_: {"text": "A short recording."}})
        self.embed = Fake({})
        self.chats: list[dict[str, Any]] = []
        self.gateway: RunningGateway

    async def chat(self, request: web.BaseRequest, body: bytes) -> Any:
        self.chats.append(msgspec.json.decode(body))
        pieces = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in WORDS]
        usage = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": len(WORDS), "total_tokens": 28}}
        return await events(request, *pieces, usage, pause=self.pause)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    platform = Scene()
    async with AsyncExitStack() as stack:
        stack.enter_context(logging_requests())
        router = Fake({**platform.router.handlers, "POST /v1/chat/completions": platform.chat})
        for fake in (router, platform.speech, platform.listener, platform.embed):
            await stack.enter_async_context(fake)
        backends = {
            "llama-router": {"url": router.url, "type": "llama-router"},
            "llama-embed": {"url": platform.embed.url, "type": "openai", "tasks": ["embeddings"]},
            "piper-tts": {"url": platform.speech.url, "type": "openai", "tasks": ["speech"]},
            "speaches-stt": {"url": platform.listener.url, "type": "openai", "tasks": ["transcription"]},
        }
        routes = {
            "piper-tts": ["piper-tts"],
            "whisper-large-v3": ["speaches-stt"],
            "mxbai-embed-large": ["llama-embed"],
        }
        platform.gateway = await stack.enter_async_context(running(folder, backends, routes, ENVIRONMENT))
        yield platform


def _speech(request: web.BaseRequest, body: bytes) -> web.Response:
    return web.Response(body=wav(1), content_type="audio/wav")
