"""A vLLM that sleeps: woken before a call, put to sleep when nobody asks, never in the middle of an answer."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.gateway.fakes import ANSWER
from tests.gateway.waiting import until

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": [{"role": "user", "content": "Hi"}]}


class Sleeper:
    """An engine in development mode; it refuses to answer in its sleep, which the real one leaves hanging."""

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


async def test_an_engine_that_sleeps_is_woken_once_for_all_who_ask(start: Any, fake: Any) -> None:
    backend = await fake(Sleeper(is_asleep=True).handlers)
    gateway = await start(section(backend))
    answers = await asyncio.gather(*(gateway.http.post(CHAT, json=BODY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(backend.calls("/wake_up")) == 1
    assert len(backend.calls("/is_sleeping")) == 1


async def test_an_engine_without_these_routes_is_always_awake_and_not_asked_again(start: Any, fake: Any) -> None:
    backend = await fake()
    gateway = await start(section(backend))
    for _ in range(3):
        assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert len(backend.calls("/is_sleeping")) == 1


async def test_an_engine_that_nobody_asks_is_put_to_sleep_and_woken_again(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 0.05))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    await until(lambda: sleeper.sleeps)
    assert sleeper.sleeps == ["level=1&mode=wait"]
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert len(backend.calls("/wake_up")) == 1


async def test_it_does_not_sleep_while_a_call_goes_on(start: Any, fake: Any) -> None:
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


async def test_one_that_is_never_to_sleep_does_not(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend))
    await gateway.http.post(CHAT, json=BODY)
    await asyncio.sleep(0.1)
    assert sleeper.sleeps == []


async def test_an_engine_that_does_not_wake_is_unavailable(start: Any, fake: Any) -> None:
    backend = await fake({**Sleeper(is_asleep=True).handlers, "POST /wake_up": lambda *_: web.Response(status=500)})
    gateway = await start(section(backend))
    refused = await gateway.http.post(CHAT, json=BODY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_asleep")
    assert backend.calls(CHAT) == []


async def test_after_a_failure_it_is_asked_again_whether_it_sleeps(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    sleeper.is_asleep = True  # somebody else put it to sleep
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 502
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200


async def test_what_it_says_about_its_sleep_may_be_anything(start: Any, fake: Any) -> None:
    backend = await fake({**Sleeper().handlers, "GET /is_sleeping": lambda *_: b"<html>"})
    gateway = await start(section(backend))
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    assert backend.calls("/wake_up") == []


async def test_an_answer_about_its_sleep_that_breaks_off_is_a_failure(start: Any, fake: Any) -> None:
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


async def test_one_that_will_not_sleep_is_told_again_after_the_next_call(start: Any, fake: Any) -> None:
    refusals: list[str] = []

    def refuse(request: web.BaseRequest, body: bytes) -> web.Response:
        refusals.append(request.query_string)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    sleeper = Sleeper()
    backend = await fake({**sleeper.handlers, "POST /sleep": refuse})
    gateway = await start(section(backend, 0.02))
    await gateway.http.post(CHAT, json=BODY)
    await until(lambda: len(refusals) == 1)
    assert (await gateway.http.post(CHAT, json=BODY)).status_code == 200
    await until(lambda: len(refusals) == 2)


async def test_who_comes_while_it_falls_asleep_waits_and_wakes_it(start: Any, fake: Any) -> None:
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


async def test_a_call_that_comes_just_as_it_is_to_sleep_keeps_it_awake(start: Any, fake: Any) -> None:
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


async def test_one_that_is_told_off_is_not_put_to_sleep_by_a_gateway_that_goes(start: Any, fake: Any) -> None:
    sleeper = Sleeper()
    backend = await fake(sleeper.handlers)
    gateway = await start(section(backend, 60))
    await gateway.http.post(CHAT, json=BODY)
    engine = gateway.gateway.registry.upstreams["vllm"].models
    await until(lambda: engine._timer)
    gateway.gateway.registry.upstreams["vllm"].close()
    assert engine._timer.cancelled()
    assert sleeper.sleeps == []
