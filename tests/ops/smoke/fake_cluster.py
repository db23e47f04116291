"""Fake cluster with one namespace: its pods, their logs, and port forwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from aiohttp import WSMsgType, web

from tests.gateway.fakes import Fake, Handler

NAMESPACE = "llm-infra"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
PORT = 8000
GATEWAY = "synapse-gateway-7d9f-abcde"


def pod(service: str, name: str, *, is_ready: bool = True, **status: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if is_ready else "False"}
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": service}},
        "status": {"conditions": [condition], **status},
    }


def container(waiting: dict[str, Any] | None = None, ended: dict[str, Any] | None = None) -> dict[str, Any]:
    status = {"name": "server", "image": "i", "imageID": "i", "ready": False, "restartCount": 1}
    return {**status, "state": {"waiting": waiting}, "lastState": {"terminated": ended}}


class FakeCluster(Fake):
    """API server of a cluster. *logs*: by the name of a pod, with ` before` appended for its previous instance.

    *upstream*: the local port that the gateway's port leads to.
    """

    def __init__(self, upstream: int) -> None:
        self.pods = [
            pod("synapse-gateway", "synapse-gateway-7d9f-other", is_ready=False),
            pod("synapse-gateway", GATEWAY),
            pod("whisper-stt", "whisper-stt-5c-x"),
        ]
        self.logs: dict[str, str] = {}
        self.upstream = upstream
        self.opened = 0
        handlers: dict[str, Handler] = {f"GET {PODS}": lambda request, _: self._list(request)}
        super().__init__(handlers)

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        parts = request.path.removeprefix(f"{PODS}/").split("/")
        if parts[1:] == ["portforward"]:
            return await self._forward(request, parts[0])
        if parts[1:] == ["log"]:
            return self._log(request, parts[0])
        return await super()._answer(request, body)

    def _list(self, request: web.BaseRequest) -> Any:
        _, _, service = request.query["labelSelector"].partition("=")
        items = [pod for pod in self.pods if pod["metadata"]["labels"]["app.kubernetes.io/name"] == service]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}

    def _log(self, request: web.BaseRequest, name: str) -> web.Response:
        if name not in self.logs:
            return web.json_response({"kind": "Status"}, status=400)
        if request.query.get("previous") == "true":
            name = f"{name} before"
        lines = self.logs[name].splitlines()[-int(request.query["tailLines"]) :]
        return web.Response(text="\n".join(lines))

    async def _forward(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """Answer as the kubelet does: a channel for data and one for errors, each beginning with the port."""
        assert (name, request.query["ports"]) == (GATEWAY, str(PORT))
        self.opened += 1
        answer = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await answer.prepare(request)
        for channel in (b"\x00", b"\x01"):
            await answer.send_bytes(channel + PORT.to_bytes(2, "little"))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError as error:
            await answer.send_bytes(b"\x01" + str(error).encode())
            return answer
        back = asyncio.create_task(_back(reader, answer))
        async for message in answer:
            assert message.type is WSMsgType.BINARY
            writer.write(message.data[1:])
        back.cancel()
        writer.close()
        return answer


async def _back(reader: asyncio.StreamReader, answer: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 14):
            await answer.send_bytes(b"\x00" + data)
        await answer.close()


@asynccontextmanager
async def fake_cluster(folder: Path, upstream: int) -> AsyncIterator[tuple[FakeCluster, Path]]:
    """Yield the cluster, and a kubeconfig for it."""
    async with FakeCluster(upstream) as fake:
        yield fake, kubeconfig(folder, fake.url)


def kubeconfig(folder: Path, url: str) -> Path:
    """Write a kubeconfig for a cluster at *url*."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path
