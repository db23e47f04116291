"""A command in a pod: its output, its exit code, and its socket, which is closed."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from kubernetes import client

from ops.migrate.errors import StepError
from ops.migrate.objects import Objects

pytestmark = pytest.mark.anyio
PROTOCOL = "v4.channel.k8s.io"
STDOUT, STATUS = b"\x01", b"\x03"
SUCCESS = b'{"status": "Success"}'
FAILED = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}'


class Kubelet:
    """Answers `exec` with these messages, and closes the session first, like a real one."""

    def __init__(self, messages: list[bytes]) -> None:
        self.messages = messages
        self.commands: list[Any] = []
        self.port = 0

    async def exec(self, request: web.Request) -> web.WebSocketResponse:
        self.commands.append((request.match_info["pod"], request.query.getall("command")))
        session = web.WebSocketResponse(protocols=[PROTOCOL])
        await session.prepare(request)
        for message in self.messages:
            await session.send_bytes(message)
        await session.close()
        return session


@pytest.fixture
async def kubelet() -> AsyncIterator[tuple[Kubelet, Objects]]:
    kubelet = Kubelet([])
    application = web.Application()
    application.router.add_get("/api/v1/namespaces/cortex/pods/{pod}/exec", kubelet.exec)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    kubelet.port = runner.addresses[0][1]
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{kubelet.port}"
    with client.ApiClient(configuration) as api:
        yield kubelet, Objects(api, "cortex")
    await runner.cleanup()


async def run(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> str:
    pod = SimpleNamespace(metadata=SimpleNamespace(name="indexer-1"))
    monkeypatch.setattr(objects, "ready_pod", lambda _: pod)
    return await asyncio.to_thread(objects.run, "indexer", ("embed", "it"), 10)


async def test_the_output_is_returned_and_the_socket_is_closed(
    kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, objects = kubelet
    server.messages = [STDOUT + b"1024\n", STATUS + SUCCESS]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert await run(objects, monkeypatch) == "1024"
        gc.collect()
    address = f"raddr=('127.0.0.1', {server.port})"  # other tests may have left sockets, too
    assert [message for message in (str(warning.message) for warning in caught) if address in message] == []
    assert server.commands == [("indexer-1", ["embed", "it"])]


async def test_a_failure_has_the_exit_code_and_the_output(
    kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, objects = kubelet
    server.messages = [STDOUT + b"no such model\n", STATUS + FAILED]
    with pytest.raises(StepError, match="embed it in cortex/indexer-1 ended with 7: no such model"):
        await run(objects, monkeypatch)


async def test_a_broken_connection_is_a_failure(
    kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, objects = kubelet
    server.messages = [STDOUT + b"half\n"]
    with pytest.raises(StepError, match="embed it in cortex/indexer-1 was cut off: half"):
        await run(objects, monkeypatch)
