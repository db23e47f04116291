"""Fixtures: a gateway on a real socket with fake backends, all in the event loop of the test."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.clients import ollama_client, openai_client  # noqa: F401 - fixtures
from tests.gateway.fake_tts import chatterbox, sound, upload_response
from tests.gateway.fakes import Fake
from tests.gateway.feed_client import logging_requests
from tests.gateway.redis_server import Proxy, RedisServer
from tests.gateway.running_gateway import RunningGateway, running
from tests.gateway.voices.disks import mount, unmount


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Exit stack that is closed after the test."""
    async with AsyncExitStack() as entered:
        yield entered


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set a short timeout: a test that hangs here is a bug of the gateway."""
    for item in items:
        if "tests/gateway" in str(item.path):
            item.add_marker(pytest.mark.timeout(60))


Start = Callable[..., Any]


@pytest.fixture
def start(stack: AsyncExitStack, tmp_path: Any) -> Start:
    """`await start({"stub": fake}, routes={...}, SYNAPSE_API_KEYS="...")`: a gateway in front of *backends*."""

    async def run(
        backends: dict[str, Fake | dict[str, Any]], routes: dict[str, Any] | None = None, **environment: str
    ) -> RunningGateway:
        return await stack.enter_async_context(running(tmp_path, backends, routes or {}, environment))

    return run


@pytest.fixture
def fake(stack: AsyncExitStack) -> Start:
    """`await fake({"POST /v1/chat/completions": handler})`: a backend on a free port."""

    async def run(handlers: dict[str, Any] | None = None) -> Fake:
        return await stack.enter_async_context(Fake(handlers or {}))

    return run


@pytest.fixture
def logged() -> Iterator[None]:
    """Enable all loggers that the feed shows: of the tests, of the feed, and of answered requests."""
    logging.getLogger("tests").setLevel(logging.DEBUG)
    logging.getLogger("synapse_gateway.observe.feed").setLevel(logging.INFO)
    with logging_requests():
        yield


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
async def line(redis: RedisServer) -> AsyncIterator[Proxy]:
    """Proxy in front of `redis`, for faults."""
    async with Proxy(redis.port) as proxy:
        yield proxy


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """File system of 1 MiB and 64 files. Mounting it needs root, which the tests have."""
    folder = tmp_path / "small"
    mount(folder, "size=1m,nr_inodes=64")
    yield folder
    unmount(folder)


@pytest.fixture
async def speaking(start: Any, fake: Any) -> tuple[RunningGateway, Fake]:
    """Gateway with a Chatterbox backend."""
    backend = await fake(
        {"POST /tts": sound, "POST /v1/audio/speech": sound, "POST /upload_reference": upload_response}
    )
    return await start({"chatterbox-tts": chatterbox(backend)}), backend
