"""Sleep mode of vLLM: woken before a call, put to sleep when idle, never during a call."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.gateway.fakes import ANSWER
from tests.gateway.polling import until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hi"}]}


class Sleeper:
    """Engine in development mode; asleep, it refuses calls, while the real one lets them hang."""

    def __init__(self, *, is_asleep: bool = False) -> None:
        self.is_asleep = is_asleep
        self.active = 0
        self.sleeps: list[str] = []
        self.disturbed = 0
        self.go = asyncio.Event()
        self.go.set()

    @property
    def handlers(self) -> dict[str, Any]:
        return {
            "GET /is_sleeping": lambda *_: {"is_sleeping": self.is_asleep},
            "POST /wake_up": self._wake,
            "POST /sleep": self._sleep,
            f"POST {CHAT}": self._chat,
        }

    def _wake(self, *_: Any) -> web.Response:
        self.is_asleep = False
        return web.Response()

    def _sleep(self, request: web.BaseRequest, _: bytes) -> web.Response:
        self.sleeps.append(request.query_string)
        self.disturbed += self.active
        self.is_asleep = True
        return web.Response()

    async def _chat(self, *_: Any) -> Any:
        if self.is_asleep:
            return web.Response(status=500)
        self.active += 1
        await self.go.wait()
        self.active -= 1
        return ANSWER


def section(backend: Any, sleep_idle_s: float = 0) -> dict[str, Any]:
    return {"vllm": {"url": backend.url, "type": "vllm", "sleep_idle_s": sleep_idle_s}}


async def test_a_sleeping_engine_is_woken_once_for_concurrent_calls(start: Any, fake: Any) -> None:
    backend = await fake(Sleeper(is_asleep=True).handlers)
    gateway = await start(section(backend))
    answers = await asyncio.gather(*(gateway.http.post(CHAT, json=BODY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(backend.calls("/wake_up")) == 1
    assert len(backend.calls("/is_sleeping")) == 1


async def test_an_engine_without_sleep_mode_is_always_awake(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start(section(backend))
    for _ in range(3):
        assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert len(backend.calls("/is_sleeping")) == 1


async def test_an_idle_engine_is_put_to_sleep_and_woken(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 0.05))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    await until(lambda: sleeper.sleeps)
    assert sleeper.sleeps == ["level=1&mode=wait"]
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert len(backend.calls("/wake_up")) == 1


async def test_an_engine_with_a_call_is_not_put_to_sleep(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 0.05))
    for _ in range(2):
        sleeper.go.clear()
        calls = [asyncio.create_task(gateway.http.post(CHAT, json=BODY)) for _ in range(3)]
        await until(lambda: sleeper.active == 3)
        before = len(sleeper.sleeps)  # it may sleep from one round to the next
        await asyncio.sleep(0.1)  # twice the time after which it would sleep
        assert len(sleeper.sleeps) == before
        sleeper.go.set()
        assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}
    await until(lambda: len(sleeper.sleeps) > before)
    assert sleeper.disturbed == 0


async def test_zero_idle_seconds_disable_sleep(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend))
    await gateway.http.post(CHAT, json=BODY)
    await asyncio.sleep(0.1)
    assert sleeper.sleeps == []


async def test_an_engine_that_fails_to_wake_is_unavailable(start: Any, fake: Any) -> None:
    backend = await fake({**Sleeper(is_asleep=True).handlers, "POST /wake_up": lambda *_: web.Response(status=500)})
    gateway = await start(section(backend))
    refused = await gateway.http.post(CHAT, json=BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_asleep")
    assert backend.calls(CHAT) == []


async def test_after_a_failure_the_sleep_state_is_checked_again(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    sleeper.is_asleep = True  # somebody else put it to sleep
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 502
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200


async def test_an_invalid_sleep_state_counts_as_awake(start: Any, fake: Any) -> None:
    backend = await fake({**Sleeper().handlers, "GET /is_sleeping": lambda *_: b"<html>"})
    gateway = await start(section(backend))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert backend.calls("/wake_up") == []


async def test_a_broken_sleep_state_response_is_an_error(start: Any, fake: Any) -> None:
    async def break_off(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    backend = await fake({**Sleeper().handlers, "GET /is_sleeping": break_off})
    gateway = await start(section(backend))
    refused = await gateway.http.post(CHAT, json=BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "backend_bad_response")


async def test_a_failed_sleep_request_is_repeated_after_the_next_call(start: Any, fake: Any) -> None:
    """Each goes on a new connection: on a kept one that breaks off it would be sent twice."""
    refusals: list[str] = []

    def answer(*_: Any) -> web.Response:
        response = web.json_response(ANSWER)
        response.force_close()
        return response

    def refuse(request: web.BaseRequest, body: bytes) -> web.Response:
        refusals.append(request.query_string)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    backend = await fake({**Sleeper().handlers, f"POST {CHAT}": answer, "POST /sleep": refuse})
    gateway = await start(section(backend, 0.02))
    await gateway.http.post(CHAT, json=BODY)
    await until(lambda: len(refusals) == 1)
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    await until(lambda: len(refusals) == 2)


async def test_a_call_during_the_sleep_request_waits_and_wakes_the_engine(start: Any, fake: Any) -> None:
    sleeper, may_sleep = Sleeper(), asyncio.Event()
    sleep = sleeper.handlers["POST /sleep"]

    async def slowly(request: web.BaseRequest, body: bytes) -> web.Response:
        await may_sleep.wait()
        response: web.Response = sleep(request, body)
        return response

    backend = await fake({**sleeper.handlers, "POST /sleep": slowly})
    gateway = await start(section(backend, 0.02))
    await gateway.http.post(CHAT, json=BODY)
    await until(lambda: backend.calls("/sleep"))
    call = asyncio.create_task(gateway.http.post(CHAT, json=BODY))
    await until(lambda: gateway.gateway.registry.upstreams["vllm"].models._active)
    may_sleep.set()
    assert (await call).status_code == 200
    assert sleeper.disturbed == 0


async def test_a_call_at_the_moment_of_sleep_keeps_it_awake(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 60))
    await gateway.http.post(CHAT, json=BODY)
    engine = gateway.gateway.registry.upstreams["vllm"].models
    async with engine.lease(None):
        await engine._sleep()
    engine._check_idle()  # there is time left
    assert engine._timer is not None
    assert sleeper.sleeps == []


async def test_a_closed_gateway_puts_no_engine_to_sleep(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 60))
    await gateway.http.post(CHAT, json=BODY)
    engine = gateway.gateway.registry.upstreams["vllm"].models
    await until(lambda: engine._timer)
    gateway.gateway.registry.upstreams["vllm"].close()
    assert engine._timer.cancelled()
    assert sleeper.sleeps == []
