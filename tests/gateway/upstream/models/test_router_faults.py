"""Faults of a router: unreachable, failing, or in another state than its last response said."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from synapse_gateway.errors import BackendTimeoutError
from synapse_gateway.observe.metrics import Metrics
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.config import BackendConfig
from synapse_gateway.upstream.models.router_api import RouterApi
from synapse_gateway.upstream.upstream import Upstream
from tests.gateway.fakes import forever
from tests.gateway.polling import until
from tests.gateway.router import CODER, GENERAL, Router, asking, models_of, refuse, waiting

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


async def open_breaker(gateway: Any) -> None:
    """Call an unreachable router until the breaker opens: one call may time out after too few attempts."""
    while not gateway.gateway.registry.upstreams["router"].breaker.state:
        await gateway.http.post(CHAT, json=asking(GENERAL))


async def test_calls_wait_for_an_unreachable_router(launch: Any, router: Router, backend: Any) -> None:
    await backend.stop()
    gateway = await launch()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: waiting(gateway))
    await backend.again()
    assert (await call).status_code == 200
    assert router.loads == [GENERAL]


async def test_a_router_that_stays_unreachable_is_given_up(launch: Any, backend: Any) -> None:
    await backend.stop()
    gateway = await launch(SYNAPSE_MODEL_AWAY_SECONDS="0.1")
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backend_unavailable")
    await open_breaker(gateway)
    at_once = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert at_once.json()["error"]["code"] == "breaker_open"


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_load_is_retried_while_the_router_is_unavailable(
    launch: Any, router: Router, backend: Any, status: int
) -> None:
    load, refusals = backend.handlers["POST /models/load"], [status, status]
    backend.handlers["POST /models/load"] = lambda *request: (
        web.Response(status=refusals.pop()) if refusals else load(*request)
    )
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.loads == [GENERAL]


async def test_a_lost_connection_is_retried(launch: Any, router: Router, backend: Any) -> None:
    """Two are: a request on a kept connection is sent once more in any case."""
    load, losses = backend.handlers["POST /models/load"], [True, True]

    def lose(request: web.BaseRequest, body: bytes) -> Any:
        if losses:
            losses.pop()
            assert request.transport is not None
            request.transport.abort()
        return load(request, body)

    backend.handlers["POST /models/load"] = lose
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200


async def test_a_failed_start_is_an_error_and_the_next_call_retries(launch: Any, router: Router) -> None:
    router.broken.add(GENERAL)
    gateway = await launch()
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "model_load_failed")
    router.broken.clear()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200


async def test_a_load_that_the_router_rejects_is_an_error(launch: Any, backend: Any) -> None:
    backend.handlers["POST /models/load"] = lambda *_: web.Response(status=500)
    gateway = await launch()
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "model_load_failed")


async def test_a_load_times_out(launch: Any, router: Router) -> None:
    router.ready.clear()
    gateway = await launch(SYNAPSE_MODEL_LOAD_SECONDS="0.05")
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (504, "model_load_timeout")


async def test_a_load_lost_in_a_restart_is_repeated(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    router.restart()
    await until(lambda: len(router.loads) == 2)
    router.ready.set()
    assert (await call).status_code == 200


async def test_a_model_removed_while_loading_is_refused(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    del router.states[GENERAL]
    assert (await call).json()["error"]["code"] == "model_not_available"


@pytest.mark.parametrize("status", [400, 404])
async def test_a_model_unknown_to_the_load_request_is_refused(launch: Any, backend: Any, status: int) -> None:
    backend.handlers["POST /models/load"] = lambda *_: refuse(status, "not found")
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).json()["error"]["code"] == "model_not_available"


async def test_a_model_unloaded_by_others_is_loaded_again(launch: Any, router: Router) -> None:
    gateway = await launch()
    await gateway.http.post(CHAT, json=asking(GENERAL))
    router.restart()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.loads == [GENERAL, GENERAL]


async def test_a_model_unloaded_repeatedly_is_an_error(launch: Any, backend: Any) -> None:
    backend.handlers["POST /v1/chat/completions"] = lambda *_: refuse(400, "model name=x is not running")
    gateway = await launch()
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_not_loaded")
    assert len(backend.calls(CHAT)) == 2


async def test_other_errors_are_passed_on(launch: Any, backend: Any) -> None:
    backend.handlers["POST /v1/chat/completions"] = lambda *_: refuse(400, "too long")
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).json()["error"]["message"] == "too long"
    assert len(backend.calls(CHAT)) == 1


async def test_after_a_failure_the_state_is_checked_again(launch: Any, router: Router, backend: Any) -> None:
    gateway = await launch()
    await gateway.http.post(CHAT, json=asking(GENERAL))
    chat, listings = backend.handlers["POST /v1/chat/completions"], router.listings
    backend.handlers["POST /v1/chat/completions"] = lambda *_: web.Response(status=500)
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 502
    backend.handlers["POST /v1/chat/completions"] = chat
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200
    assert router.listings == listings + 1


async def test_an_invalid_list_is_an_error(launch: Any, backend: Any) -> None:
    backend.handlers["GET /models"] = lambda *_: b"<html>"
    gateway = await launch()
    refused = await gateway.http.post(CHAT, json=asking(GENERAL))
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "backend_bad_response")


async def test_waiting_calls_fail_when_the_router_is_removed(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.ready.clear()
    call = asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL)))
    await until(lambda: router.loads)
    models_of(gateway).close()
    assert (await call).status_code == 503


async def test_a_model_that_ended_already_is_not_unloaded(launch: Any, router: Router, backend: Any) -> None:
    def gone(*_: Any) -> Any:
        router.states[CODER] = "unloaded"
        return refuse(400, "model is not running")

    router.states[CODER] = "loaded"
    backend.handlers["POST /models/unload"] = gone
    gateway = await launch()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200


async def test_a_cancelled_call_does_not_block_the_error_of_others(launch: Any, router: Router) -> None:
    gateway = await launch()
    router.broken.add(GENERAL)
    router.ready.clear()
    calls = [asyncio.create_task(gateway.http.post(CHAT, json=asking(GENERAL))) for _ in range(3)]
    await until(lambda: len(waiting(gateway)) == 3)
    calls[1].cancel()
    await until(lambda: any(turn.done() for turn in waiting(gateway)))
    router.ready.set()
    assert [(await call).status_code for call in (calls[0], calls[2])] == [502, 502]


async def test_with_a_half_open_breaker_a_call_waits_again(launch: Any, router: Router, backend: Any) -> None:
    await backend.stop()
    gateway = await launch(SYNAPSE_MODEL_AWAY_SECONDS="0.1")
    await open_breaker(gateway)
    gateway.gateway.registry.upstreams["router"].breaker._opened_at -= 60
    await backend.again()
    assert (await gateway.http.post(CHAT, json=asking(GENERAL))).status_code == 200


async def test_a_silent_router_times_out(fake: Any) -> None:
    backend = await fake({"GET /models": forever})
    config = BackendConfig(url=backend.url, type="llama-router")
    api = RouterApi(Upstream("router", config, Metrics()), ModelTimes(answer_s=0.05))
    with pytest.raises(BackendTimeoutError):
        await api.models()
