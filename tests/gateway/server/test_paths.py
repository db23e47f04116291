"""Paths and hosts that mean to be taken for another: the plain path decides, or there is no route."""

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


async def asked(gateway: Any, path: str, headers: str) -> int:
    async with connected(gateway.port) as line:
        await line.send(post(path, BODY, headers))
        return (await line.answer())[0]


async def started(start: Any, fake: Any) -> tuple[Any, Any]:
    backend = await fake()
    return await start({"stub": backend}, SYNAPSE_API_KEYS="right"), backend


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_path_is_no_way_past_the_key_and_no_route(start: Any, fake: Any, path: str) -> None:
    gateway, backend = await started(start, fake)
    assert await asked(gateway, path, f"Host: x\r\n{JSON}") in {401, 405}
    assert await asked(gateway, path, f"Host: x\r\nAuthorization: Bearer right\r\n{JSON}") in {404, 405}
    assert backend.asked == []


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", SAME)
async def test_neither_host_nor_form_of_the_path_changes_the_decision(
    start: Any, fake: Any, path: str, host: str
) -> None:
    gateway, backend = await started(start, fake)
    assert await asked(gateway, path, f"Host: {host}\r\n{JSON}") == 401
    assert await asked(gateway, path, f"Host: {host}\r\nAuthorization: Bearer right\r\n{JSON}") == 200
    assert [(found.path, found.headers["Host"]) for found in backend.asked] == [(CHAT, f"127.0.0.1:{backend.port}")]


async def test_an_address_without_a_path_is_the_root(start: Any, fake: Any) -> None:
    gateway, _ = await started(start, fake)
    async with connected(gateway.port) as line:
        await line.send(b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await line.answer())[0] == 503


async def test_an_address_in_a_body_is_never_contacted(start: Any, fake: Any) -> None:
    outside, backend = await fake(), await fake()
    gateway = await start({"stub": backend})
    for field in ("api_base", "base_url", "url"):
        answer = await gateway.http.post(CHAT, json={"model": "stub", "messages": [], field: outside.url})
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, field)
    nested = {"model": "stub", "messages": [], "metadata": {"api_base": outside.url, "litellm_params": {"x": 1}}}
    assert (await gateway.http.post(CHAT, json=nested)).status_code == 200
    assert outside.asked == []
