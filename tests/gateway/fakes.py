"""Fake backends with handlers of a test, which record requests; they run on aiohttp, not on the gateway's server."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

Handler = Callable[[web.BaseRequest, bytes], Any]
MESSAGE = {"role": "assistant", "content": "Hello."}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "stub",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
MODELS = {"object": "list", "data": [{"id": "stub", "object": "model", "created": 1, "owned_by": "fake"}]}


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """Request that a fake received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Fake:
    """One backend. *handlers*: "METHOD /path" -> a function of the request and its body that returns the response.

    A response is a `web.StreamResponse`, bytes, or a value for JSON. `cancelled` counts the requests whose client
    disconnected, `active` those in progress.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers: dict[str, Handler] = {
            "GET /health": lambda request, body: {"status": "ok"},
            "GET /v1/models": lambda request, body: MODELS,
            "POST /v1/chat/completions": lambda request, body: ANSWER,
            **handlers,
        }
        self.requests: list[ReceivedRequest] = []
        self.active = 0
        self.cancelled = 0
        self.hung_up = asyncio.Event()
        self.began = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def calls(self, path: str) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.path == path]

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle, handler_cancellation=True), shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def stop(self) -> None:
        """Refuse connections from now on."""
        await self._runner.cleanup()

    async def again(self) -> None:
        """Accept connections again, on the same port."""
        await self.__aenter__()

    async def _listen(self) -> None:
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.active += 1
        try:
            request._client_max_size = 1 << 30
            body = await request.read()
            headers = dict(request.headers)
            self.requests.append(ReceivedRequest(method=request.method, path=request.path, headers=headers, body=body))
            self.began.set()
            return await self._answer(request, body)
        except asyncio.CancelledError:
            self.cancelled += 1
            self.hung_up.set()
            raise
        finally:
            self.active -= 1

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        handler = self.handlers.get(f"{request.method} {request.path}")
        if handler is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        answer = handler(request, body)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, web.StreamResponse):
            return answer
        data = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        return web.Response(body=data, content_type="application/json")


async def events(request: web.BaseRequest, *frames: Any, pause: Callable[[], Awaitable[object]] | None = None) -> Any:
    """Stream *frames* as server-sent events, with [DONE] at the end; `await pause()` before each after the first."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number, frame in enumerate(frames):
        if number and pause is not None:
            await pause()
        await response.write(b"data: " + msgspec.json.encode(frame) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def forever(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError
