"""API keys and quotas, circuit breaker, admission control, and many concurrent clients."""

import asyncio
import hashlib
import time
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web

from infra.monitoring.metric_names import EXPOSED
from synapse_gateway.auth.keys import Keys
from synapse_gateway.auth.quota import Quota
from synapse_gateway.errors import (
    AuthenticationError,
    PermissionDeniedError,
    RateLimitedError,
    UnavailableError,
)
from synapse_gateway.upstream.admission import Admission
from synapse_gateway.upstream.breaker import OPEN_S, Breaker, BreakerState
from synapse_gateway.upstream.upstream import RetryBudget
from tests.gateway.fakes import ANSWER, events
from tests.gateway.polling import until
from tests.gateway.sockets import connected, post

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"
BODY = {"model": "stub", "messages": []}


class Clock:
    """Clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_identifies_its_owner_by_hash() -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    keys = Keys([f"sha256:{digest};name=ci;scope=admin", "plain"])
    assert keys.identify("Bearer secret", "admin").name == "ci"
    assert keys.identify("bearer plain", "user").name == "key-2"
    assert keys.identify(None, "open").name == "anonymous"
    for wrong in (None, "", "secret", "Bearer ", "Bearer Secret", f"Bearer {digest}", "Basic secret", "Bearer \udcff"):
        with pytest.raises(AuthenticationError):
            keys.identify(wrong, "user")
    with pytest.raises(PermissionDeniedError, match="'key-2' of scope user"):
        keys.identify("Bearer plain", "admin")


def test_a_quota_refills_and_states_the_wait() -> None:
    clock = Clock()
    quota = Quota(per_minute=2, clock=clock)
    for _ in range(2):
        with quota:
            pass
    with pytest.raises(RateLimitedError) as refused, quota:
        pass
    assert refused.value.retry_after_s == 30
    clock.now += 30
    with quota:
        assert quota.active == 1
    assert quota.active == 0


def test_a_quota_limits_concurrent_calls() -> None:
    quota = Quota(concurrency=1)
    with quota, pytest.raises(RateLimitedError, match="1 concurrent calls"), quota:
        pass
    with quota:
        pass


def state(breaker: Breaker) -> BreakerState:
    return breaker.state


def test_a_breaker_opens_after_five_failures_and_allows_one_probe() -> None:
    clock = Clock()
    breaker = Breaker("stub", clock)
    for _ in range(4):
        breaker.enter()
        breaker.fail()
    breaker.enter()
    breaker.succeed()
    for _ in range(5):
        breaker.enter()
        breaker.fail()
    assert state(breaker) is BreakerState.OPEN
    with pytest.raises(UnavailableError) as refused:
        breaker.enter()
    assert (refused.value.code, refused.value.retry_after_s) == ("breaker_open", OPEN_S)
    clock.now += OPEN_S
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.enter()
    for _ in range(100):
        with pytest.raises(UnavailableError):
            breaker.enter()
    breaker.leave()  # its client left: no verdict
    breaker.enter()
    breaker.fail()
    assert state(breaker) is BreakerState.OPEN
    clock.now += OPEN_S
    breaker.enter()
    breaker.succeed()
    assert state(breaker) is BreakerState.CLOSED


def test_retries_are_a_tenth_of_requests() -> None:
    budget = RetryBudget()
    retries = 0
    for _ in range(1000):
        budget.deposit()
        retries += sum(1 for _ in budget.delays())
    assert retries <= 103


async def test_queued_calls_are_served_in_order() -> None:
    admission, order = Admission("stub", 1, 10), []

    async def call(number: int) -> None:
        async with admission:
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(number) for number in range(8)))
    assert order == list(range(8))
    assert not admission.active


async def test_a_slot_granted_to_a_cancelled_call_is_released() -> None:
    admission = Admission("stub", 1, 10)
    async with admission:
        waiting = asyncio.create_task(admission.__aenter__())
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60), admission:
        assert admission.active == 1


async def test_a_cancelled_queued_call_is_skipped() -> None:
    admission = Admission("stub", 1, 10)
    async with admission:
        waiting = asyncio.create_task(admission.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(60), admission:
        assert (admission.active, admission.waiting) == (1, 0)


async def test_a_limited_key_gets_retry_after_and_others_are_unaffected(start: Any, fake: Any) -> None:
    gateway = await start({"stub": await fake()}, SYNAPSE_API_KEYS="flood;rpm=5,calm")
    flood = [await gateway.http.post(CHAT, json=BODY, headers=bearer("flood")) for _ in range(8)]
    assert [answer.status_code for answer in flood] == [200] * 5 + [429] * 3
    assert 1 <= int(flood[-1].headers["retry-after"]) <= 12
    assert (await gateway.http.post(CHAT, json=BODY, headers=bearer("calm"))).status_code == 200


async def test_a_flooding_key_does_not_slow_others(start: Any, fake: Any) -> None:
    """The flooding key may have two calls at a backend with four slots: others always find a free one."""
    gate = asyncio.Event()

    async def slow(request: Any, body: bytes) -> Any:
        if b"flood" in body:
            await gate.wait()
        return ANSWER

    backend = await fake({f"POST {CHAT}": slow})
    gateway = await start({"stub": {"url": backend.url, "concurrency": 4}}, SYNAPSE_API_KEYS="flood;concurrency=2,calm")
    body = {"model": "stub", "messages": [], "user": "flood"}
    floods = [asyncio.create_task(gateway.http.post(CHAT, json=body, headers=bearer("flood"))) for _ in range(50)]
    await until(lambda: sum(task.done() for task in floods) == 48)
    for _ in range(20):
        assert (await gateway.http.post(CHAT, json=BODY, headers=bearer("calm"))).status_code == 200
    gate.set()
    assert sorted([(await task).status_code for task in floods]) == [200] * 2 + [429] * 48


@pytest.mark.parametrize("clients", [50, 500])
async def test_many_concurrent_clients_get_their_responses(start: Any, fake: Any, clients: int) -> None:
    gateway = await start({"stub": await fake()})
    sent = post(CHAT, msgspec.json.encode(BODY))

    async def client() -> set[int]:
        async with connected(gateway.port) as line:
            statuses = set()
            for _ in range(4):
                await line.send(sent)
                statuses.add((await line.answer())[0])
            return statuses

    assert await asyncio.gather(*(client() for _ in range(clients))) == [{200}] * clients


async def test_every_metric_of_alerts_and_dashboards_is_exposed(start: Any, fake: Any) -> None:
    backend = await fake({f"POST {CHAT}": lambda request, body: events(request, {"n": 1})})
    gateway = await start({"dead": {"url": "http://127.0.0.1:9"}, "stub": backend}, {"stub": ["dead", "stub"]})
    await gateway.http.post(CHAT, json=BODY)
    assert (await gateway.http.get("/health")).json()["backends"]["stub"]["status"] == "healthy"
    text = (await gateway.http.get("/metrics")).text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert names >= EXPOSED["gateway"]
    assert 'synapse_backend_up{backend="dead"} 0.0' in text
    assert 'synapse_backend_up{backend="stub"} 1.0' in text


async def test_health_probes_are_concurrent_and_cached(start: Any, fake: Any) -> None:
    well, ill = await fake(), await fake({"GET /health": lambda *_: web.Response(status=500)})
    gateway = await start({"well": well, "ill": ill, "gone": {"url": "http://127.0.0.1:9"}})
    began = time.monotonic()
    answers = await asyncio.gather(*(gateway.http.get("/health") for _ in range(10)))
    assert time.monotonic() - began < 5
    assert answers[0].json() == {
        "status": "degraded",
        "backends": {
            "well": {"status": "healthy", "code": 200},
            "ill": {"status": "unhealthy", "code": 500},
            "gone": {"status": "unreachable", "error": "no connection"},
        },
    }
    assert len(well.calls("/health")) == 1
    empty: httpx.Response = await (await start({})).http.get("/health")
    assert empty.json() == {"status": "healthy", "backends": {}}
