"""A command in a pod: what it printed, how it ended, and nothing that stays open."""

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
WELL = b'{"status": "Success"}'
FAILED = b'{"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}}'


class Kubelet:
    """Answers `exec` with these messages, and says goodbye first, as a real one does."""

    def __init__(self, messages: list[bytes]) -> None:
        self.messages = messages
        self.asked: list[Any] = []
        self.port = 0

    async def exec(self, request: web.Request) -> web.WebSocketResponse:
        self.asked.append((request.match_info["pod"], request.query.getall("command")))
        opened = web.WebSocketResponse(protocols=[PROTOCOL])
        await opened.prepare(request)
        for message in self.messages:
            await opened.send_bytes(message)
        await opened.close()
        return opened


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


async def ran(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> str:
    pod = SimpleNamespace(metadata=SimpleNamespace(name="indexer-1"))
    monkeypatch.setattr(objects, "ready_pod", lambda _: pod)
    return await asyncio.to_thread(objects.run, "indexer", ("embed", "it"), 10)


async def test_what_it_printed_is_returned_and_no_socket_stays(
    kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    far, objects = kubelet
    far.messages = [STDOUT + b"1024\n", STATUS + WELL]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert await ran(objects, monkeypatch) == "1024"
        gc.collect()
    to_it = f"raddr=('127.0.0.1', {far.port})"  # what other tests have left may be collected with ours
    assert [message for message in (str(warning.message) for warning in said) if to_it in message] == []
    assert far.asked == [("indexer-1", ["embed", "it"])]


async def test_one_that_fails_is_told(kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch) -> None:
    far, objects = kubelet
    far.messages = [STDOUT + b"no such model\n", STATUS + FAILED]
    with pytest.raises(StepError, match="embed it in cortex/indexer-1 ended with 7: no such model"):
        await ran(objects, monkeypatch)


async def test_one_whose_connection_breaks_is_told(
    kubelet: tuple[Kubelet, Objects], monkeypatch: pytest.MonkeyPatch
) -> None:
    far, objects = kubelet
    far.messages = [STDOUT + b"half\n"]
    with pytest.raises(StepError, match="embed it in cortex/indexer-1 was cut off: half"):
        await ran(objects, monkeypatch)
