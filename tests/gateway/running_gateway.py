"""Gateway in the event loop of the test, behind a real socket."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from synapse_gateway import settings
from synapse_gateway.api.endpoint_table import table
from synapse_gateway.gateway import Gateway
from synapse_gateway.routing import config
from synapse_gateway.server.application import Application, refuse
from synapse_gateway.server.http import Listener
from tests.gateway.fakes import Fake
from tests.server_process import REQUEST_S


class RunningGateway:
    """Running gateway: its address, a client for it, and its internal objects."""

    def __init__(self, gateway: Gateway, port: int, client: httpx.AsyncClient, listener: Listener) -> None:
        self.gateway = gateway
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = client
        self.listener = listener


def document(backends: Mapping[str, Fake | Mapping[str, Any]], routes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration file: a fake is an `openai` backend; routes map a model to names of backends."""
    sections = {
        name: {"url": backend.url, "type": "openai"} if isinstance(backend, Fake) else dict(backend)
        for name, backend in backends.items()
    }
    listed = [
        {"model": model, "targets": [{"backend": target} if isinstance(target, str) else target for target in targets]}
        for model, targets in routes.items()
    ]
    return {"backends": sections, "routes": listed}


@asynccontextmanager
async def running(
    folder: Path, backends: Mapping[str, Any], routes: Mapping[str, Any], environment: Mapping[str, str]
) -> AsyncIterator[RunningGateway]:
    path = folder / "backends.yaml"
    path.write_text(yaml.safe_dump(document(backends, routes)))
    defaults = {"SYNAPSE_VOICE_LIBRARY_DIR": str(folder / "voices"), "SYNAPSE_GATEWAY_CONFIG_PATH": str(path)}
    gateway = Gateway(settings.load({**defaults, **environment}), config.load(path))
    clients = Listener(Application(gateway, table()).handle, refuse)
    bound = socket.create_server(("127.0.0.1", 0))
    await gateway.start()
    await clients.start(bound)
    port = bound.getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=REQUEST_S) as client:
            yield RunningGateway(gateway, port, client, clients)
    finally:
        gateway.drain()
        await clients.stop(1)
        await gateway.close()
