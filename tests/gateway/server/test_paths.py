"""Misleading paths and hosts: only the plain path selects a route."""

from typing import Any

import pytest

from tests.gateway.sockets import connected, post

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = b'{"model":"stub","messages":[]}'
ODD = [
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/completions/",
    "/v1%2fchat/completions",
    "/v1/chat%2Fcompletions",
    "/%76%31/chat/completions",
    "/v1/./chat/completions",
    "/health/../v1/chat/completions",
    "/health/%2e%2e/v1/chat/completions",
    "/ui/..%2fv1/chat/completions",
    "/V1/Chat/Completions",
    "/v1/chat/completions;x=1",
    "/v1/chat/completions%00",
    "http://x//v1/chat/completions",
]
SAME = [CHAT, f"{CHAT}?x=/health", f"http://x{CHAT}", f"HTTP://evil:80{CHAT}?x=1"]
HOSTS = ["x", "127.0.0.1:9", "evil.example", "x\r\nX-Forwarded-Host: y\r\nX-Original-URL: /health", "x/health?"]
JSON = "Content-Type: application/json\r\n"


async def status_of(gateway: Any, path: str, headers: str) -> int:
    async with connected(gateway.port) as line:
        await line.send(post(path, BODY, headers))
        return (await line.answer())[0]


async def started(start: Any, fake: Any) -> tuple[Any, Any]:
    backend = await fake()
    return await start({"stub": backend}, SYNAPSE_API_KEYS="right"), backend


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_path_bypasses_no_key_and_has_no_route(start: Any, fake: Any, path: str) -> None:
    gateway, backend = await started(start, fake)
    assert await status_of(gateway, path, f"Host: x\r\n{JSON}") in {401, 405}
    assert await status_of(gateway, path, f"Host: x\r\nAuthorization: Bearer right\r\n{JSON}") in {404, 405}
    assert backend.requests == []


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", SAME)
async def test_host_and_path_form_do_not_change_authentication(start: Any, fake: Any, path: str, host: str) -> None:
    gateway, backend = await started(start, fake)
    assert await status_of(gateway, path, f"Host: {host}\r\n{JSON}") == 401
    assert await status_of(gateway, path, f"Host: {host}\r\nAuthorization: Bearer right\r\n{JSON}") == 200
    assert [(request.path, request.headers["Host"]) for request in backend.requests] == [
        (CHAT, f"127.0.0.1:{backend.port}")
    ]


async def test_an_absolute_target_without_a_path_is_the_root(start: Any, fake: Any) -> None:
    gateway, _ = await started(start, fake)
    async with connected(gateway.port) as line:
        await line.send(b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await line.answer())[0] == 503


async def test_a_url_in_a_body_is_never_contacted(start: Any, fake: Any) -> None:
    outside, backend = await fake(), await fake()
    gateway = await start({"stub": backend})
    for field in ("api_base", "base_url", "url"):
        answer = await gateway.http.post(CHAT, json={"model": "stub", "messages": [], field: outside.url})
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, field)
    nested = {"model": "stub", "messages": [], "metadata": {"api_base": outside.url, "litellm_params": {"x": 1}}}
    assert (await gateway.http.post(CHAT, json=nested)).status_code == 200
    assert outside.requests == []
