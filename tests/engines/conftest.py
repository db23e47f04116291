"""The engines as processes, started when a test first asks for one, and gateways in front of them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from synapse_engines.models.making import make
from tests.engines.process import Engine, Process, launch
from tests.gateway.running import Running, running
from tools.offline.debian import program

TIMEOUT_S = 300
Start = Callable[..., Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/engines" in str(item.path):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """What the image has from Debian."""
    for name in ("espeak-ng", "ffmpeg"):
        program(name)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that the image has where nothing can be fetched."""
    folder = tmp_path_factory.mktemp("models")
    make(folder, lambda _: None, None)
    return folder


Launch = Callable[..., Process]


@pytest.fixture(scope="session")
def launched(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """`launched("piper")`: the one process of that kind and environment, kept for all tests."""
    processes: dict[Any, Process] = {}

    def get(kind: str, **environment: str) -> Process:
        key = (kind, *sorted(environment.items()))
        if key not in processes:
            variables = {"SYNAPSE_ENGINES_MODELS": str(models), **environment}
            processes[key] = launch(kind, tmp_path_factory.mktemp(kind), variables)
        return processes[key]

    yield get
    codes = {process.kind: process.end() for process in processes.values()}
    assert set(codes.values()) <= {0}, codes


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is entered here is left after the test, last in first out."""
    async with AsyncExitStack() as entered:
        yield entered


@pytest.fixture
def start(stack: AsyncExitStack, launched: Launch) -> Start:
    """`await start("piper")`: an engine, and a client for it; further arguments are its environment."""

    async def run(kind: str, **environment: str) -> Engine:
        process = launched(kind, **environment)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=process.url, timeout=60))
        return Engine(process, http)

    return run


@pytest.fixture
def gateway(stack: AsyncExitStack, tmp_path: Path) -> Start:
    """`await gateway({"tts": engine}, routes)`: a gateway in front of engines, each by the adapter of its kind."""

    async def run(engines: dict[str, Engine], routes: dict[str, Any] | None = None, **environment: str) -> Running:
        backends = {name: {"url": found.process.url, **ADAPTERS[found.process.kind]} for name, found in engines.items()}
        return await stack.enter_async_context(running(tmp_path, backends, routes or {}, environment))

    return run


ADAPTERS: dict[str, dict[str, Any]] = {
    "llama-embed": {"type": "openai", "tasks": ["embeddings"]},
    "llama-router": {"type": "llama-router"},
    "chatterbox": {"type": "chatterbox"},
    "piper": {"type": "openai", "tasks": ["speech"]},
    "whisper": {"type": "whisper"},
    "speaches": {"type": "openai", "tasks": ["transcription"]},
    "pyannote": {"type": "pyannote"},
    "deepfilter": {"type": "deepfilter"},
}
"""By the kind, as the catalog has them."""
