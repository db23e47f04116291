"""Engine processes, started at first use, and gateways in front of them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines_image.engine_process import launch
from tests.engines_image.packaged_models import packaged_models
from tests.engines_image.speech import say  # noqa: F401 - a fixture
from tests.gateway.running_gateway import RunningGateway, running
from tests.server_process import REQUEST_S, ServerClient, ServerProcess
from tools.offline.debian import program

Start = Callable[..., Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Install the Debian program of the image."""
    program("ffmpeg")


@pytest.fixture(scope="session")
def models() -> Path:
    """Folder of all models that packages carry, as a Job puts them on a volume."""
    return packaged_models()


Launch = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def launched(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """`launched("piper")`: the process of that kind and environment, shared by all tests."""
    processes: dict[Any, ServerProcess] = {}

    def get(kind: str, **environment: str) -> ServerProcess:
        key = (kind, *sorted(environment.items()))
        if key not in processes:
            variables = {"SYNAPSE_ENGINES_MODELS": str(models), **environment}
            processes[key] = launch(kind, tmp_path_factory.mktemp(kind), variables)
        return processes[key]

    yield get
    codes = {process.kind: process.terminate() for process in processes.values()}
    assert set(codes.values()) <= {0}, codes


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Exit stack of a test: contexts are left after the test, the last one first."""
    async with AsyncExitStack() as contexts:
        yield contexts


@pytest.fixture
def start(stack: AsyncExitStack, launched: Launch) -> Start:
    """`await start("piper")`: a client of an engine; further arguments are its environment."""

    async def run(kind: str, **environment: str) -> ServerClient:
        process = launched(kind, **environment)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=process.url, timeout=REQUEST_S))
        return ServerClient(process, http)

    return run


@pytest.fixture
def gateway(stack: AsyncExitStack, tmp_path: Path) -> Start:
    """`await gateway({"tts": engine}, routes)`: a gateway in front of engines, with the adapter of each kind."""

    async def run(
        engines: dict[str, ServerClient], routes: dict[str, Any] | None = None, **environment: str
    ) -> RunningGateway:
        backends = {
            name: {"url": engine.process.url, **ADAPTERS[engine.process.kind]} for name, engine in engines.items()
        }
        return await stack.enter_async_context(running(tmp_path, backends, routes or {}, environment))

    return run


ADAPTERS: dict[str, dict[str, Any]] = {
    "kokoro": {"type": "openai", "tasks": ["speech"]},
    "chatterbox": {"type": "chatterbox"},
    "piper": {"type": "openai", "tasks": ["speech"]},
    "whisper": {"type": "whisper"},
    "speaches": {"type": "openai", "tasks": ["transcription"]},
    "pyannote": {"type": "pyannote"},
    "deepfilter": {"type": "deepfilter"},
}
"""Gateway adapter of each kind, as in the catalog."""
