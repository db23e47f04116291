"""Real llama-servers, started at first use, and gateways in front of them."""

# ruff: noqa: F811 - an argument is the fixture of its name

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines_image.conftest import anyio_backend, models, stack  # noqa: F401 - fixtures
from tests.gateway.running_gateway import RunningGateway, running
from tests.llama_image.llama_process import LlamaClient, LlamaProcess, launch
from tests.server_process import REQUEST_S

Start = Callable[..., Any]
ADAPTERS: dict[str, dict[str, Any]] = {
    "llama-embed": {"type": "openai", "tasks": ["embeddings"]},
    "llama-router": {"type": "llama-router"},
}
"""Gateway adapter of each kind, as in the catalog."""


@pytest.fixture(scope="session")
def launched(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LlamaProcess]]:
    """`launched("llama-embed")`: the process of that kind, shared by all tests; another *folder* is another process."""
    processes: dict[Any, LlamaProcess] = {}

    def get(kind: str, folder: Path = models) -> LlamaProcess:
        if (kind, folder) not in processes:
            processes[kind, folder] = launch(kind, folder, tmp_path_factory.mktemp(kind))
        return processes[kind, folder]

    yield get
    codes = {process.kind: process.terminate() for process in processes.values()}
    assert set(codes.values()) <= {0}, codes


@pytest.fixture
def start(stack: AsyncExitStack, launched: Callable[..., LlamaProcess]) -> Start:
    """`await start("llama-router")`: a client of a server."""

    async def run(kind: str, *folder: Path) -> LlamaClient:
        process = launched(kind, *folder)
        limits = httpx.Limits(max_keepalive_connections=0)  # idle for 5 s, it is closed by the server
        client = httpx.AsyncClient(base_url=process.url, timeout=REQUEST_S, limits=limits)
        http = await stack.enter_async_context(client)
        return LlamaClient(process, http)

    return run


@pytest.fixture
def gateway(stack: AsyncExitStack, tmp_path: Path) -> Start:
    """`await gateway({"router": client}, routes)`: a gateway in front of servers, with the adapter of each kind."""

    async def run(
        servers: dict[str, LlamaClient], routes: dict[str, Any] | None = None, **environment: str
    ) -> RunningGateway:
        backends = {
            name: {"url": server.process.url, **ADAPTERS[server.process.kind]} for name, server in servers.items()
        }
        return await stack.enter_async_context(running(tmp_path, backends, routes or {}, environment))

    return run
