"""Age of the health figures: they are reused while fresh, and renewed after that."""

from typing import Any

import pytest
from aiohttp import web

from synapse_gateway.upstream import health

pytestmark = pytest.mark.anyio


class Clock:
    """Time that a test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_health_is_reused_while_fresh_and_renewed_when_stale(
    start: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(health, "monotonic", clock)
    backend = await fake()
    gateway = await start({"stub": backend})

    async def status() -> str:
        return str((await gateway.http.get("/health")).json()["backends"]["stub"]["status"])

    assert await status() == "healthy"
    backend.handlers["GET /health"] = lambda *_: web.Response(status=500)
    clock.now += health.FRESH_S - 0.1
    assert await status() == "healthy"
    assert len(backend.calls("/health")) == 1
    clock.now += 0.2
    assert await status() == "unhealthy"
    assert len(backend.calls("/health")) == 2
    clock.now += health.FRESH_S - 0.1
    assert await status() == "unhealthy"
    assert len(backend.calls("/health")) == 2
