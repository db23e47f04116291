"""Models of a router: loaded on demand, once, and never unloaded during a call."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from synapse_gateway.errors import InternalError
from synapse_gateway.settings import ModelTimes, RouterSettings
from synapse_gateway.upstream.models.router import RouterModels
from synapse_gateway.upstream.models.router_api import RouterApi
from synapse_gateway.upstream.models.router_restart import RouterRestart
from tests.gateway.polling import until
from tests.gateway.router import CODER, GENERAL, Router, asking, models_of, refuse, waiting

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def test_the_first_call_loads_its_model_and_the_next_sends_no_request(launch: Any, router: Router) -> None:
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    listings = router.listings
    answers = [await gateway.http.post(CHAT, json=asking(GENERAL)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert router.loads == [GENERAL]
    assert router.listings == listings


async def test_concurrent_calls_share_one_load(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    calls = [asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL))) for _ in range(100)]
    await until(lambda: len(waiting(gateway)) == 100)
    assert len(models_of(gateway)._changes) == 1
    router.ready.set()
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert router.loads == [GENERAL]


async def test_a_switch_waits_for_the_calls_of_the_other_model(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.go.clear()
    first = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    other = asyncio.create_task(gateway.http.post(CHAT, json=asking(CODER)))
    await until(lambda: waiting(gateway, CODER) and not models_of(gateway)._loaded)
    late = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: waiting(gateway, GENERAL))
    assert (router.unloads, router.loads) == ([], [GENERAL])
    router.go.set()
    answers = await asyncio.gather(first, other, late)
    assert [answer.json()["model"] for answer in answers] == [GENERAL, CODER, GENERAL]
    assert router.loads == [GENERAL, CODER, GENERAL]
    assert router.taken_from_a_call == []


async def test_calls_for_two_models_keep_theirs_loaded(launch: Any, router: Router) -> None:
    gateway = await launch()
    calls = [gateway.http.post(CHAT, json=asking((GENERAL, CODER)[number % 2])) for number in range(60)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert router.taken_from_a_call == []
    assert len(router.loads) <= 6


async def test_a_switch_times_out_and_the_other_model_stays(launch: Any, router: Router) -> None:
    gateway = await launch(SYNAPSE_MODEL_BUSY_SECONDS="0.05")
    router.go.clear()
    first = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    refused = await gateway.http.post(CHAT, json=asking(CODER))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_busy")
    assert "retry-after" in refused.headers
    listings = router.listings
    router.go.set()
    assert (await first).status_code == 200
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert (router.listings, router.unloads) == (listings, [])


async def test_a_load_continues_when_its_client_leaves(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    call.cancel()
    await until(lambda: all(turn.done() for turn in waiting(gateway)))
    router.ready.set()
    await until(lambda: GENERAL in models_of(gateway)._loaded)
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.loads == [GENERAL]


async def test_nothing_is_loaded_for_a_cancelled_call(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    first = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    second = asyncio.create_task(gateway.http.post(CHAT, json=asking(CODER)))
    await until(lambda: waiting(gateway, CODER))
    second.cancel()
    await until(lambda: all(turn.done() for turn in waiting(gateway, CODER)))
    router.ready.set()
    assert (await first).status_code == 200
    await until(lambda: not models_of(gateway)._changes)
    assert (router.loads, router.states[GENERAL]) == ([GENERAL], "loaded")


async def test_a_client_that_leaves_releases_its_lease(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.go.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.chats[GENERAL])
    call.cancel()
    await until(lambda: not models_of(gateway)._active)


@pytest.mark.parametrize("state", ["loaded", "sleeping"])
async def test_a_loaded_model_is_not_loaded_again(launch: Any, router: Router, state: str) -> None:
    router.states[GENERAL] = state
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.loads == []


async def test_an_unknown_model_is_refused(launch: Any, router: Router) -> None:
    gateway = await launch()
    refused = await gateway.http.post(CHAT, json=asking("unheard-of"))
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "model_not_available"
    assert refused.json()["error"]["param"] == "model"
    assert router.loads == []


async def test_a_call_without_a_model_is_refused_by_the_router(launch: Any, backend: Any) -> None:
    backend.handlers["POST /v1/completions"] = lambda *_: refuse(400, "model name is missing from the request")
    gateway = await launch()
    refused = await gateway.http.post("/v1/completions", json={"prompt": "x"})
    assert refused.json()["error"]["message"] == "model name is missing from the request"


class Listed:
    """Router API with one model; *look* is called for each request of the list."""

    name = "router"

    def __init__(self, look: Callable[[], object]) -> None:
        self.look = look

    def check(self) -> None: ...

    async def models(self) -> list[dict[str, Any]]:
        self.look()
        return [{"id": GENERAL, "status": {"value": "loaded"}}]

    async def retry_unavailable(self, request: Callable[[], Any]) -> Any:
        return await request()


def alone(look: Callable[[], object]) -> RouterModels:
    times = ModelTimes()
    return RouterModels(
        cast("RouterApi", Listed(look)), times, RouterRestart(RouterSettings(), times, lambda model: None)
    )


async def test_a_lease_granted_to_a_cancelled_call_is_released() -> None:
    loop = asyncio.get_running_loop()
    models = alone(lambda: loop.call_soon(call.cancel))  # runs after the turn is given, and before it is taken
    call = asyncio.create_task(models.acquire(GENERAL))
    with pytest.raises(asyncio.CancelledError):
        await call
    assert GENERAL in models._loaded
    assert models._active == {}


async def test_a_bug_in_a_change_is_an_error_of_the_waiting_calls(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(InternalError):
        await alone(fail).acquire(GENERAL)
    assert "ZeroDivisionError while loading a model" in caplog.text
