"""Health of every backend, probed concurrently and cached for a moment."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any

from synapse_gateway.upstream.http import UpstreamError, UpstreamRequest
from synapse_gateway.upstream.upstream import Upstream

PROBE_S = 5.0
FRESH_S = 3.0
REASONS = {
    "ConnectError": "no connection",
    "BrokenResponseError": "connection lost",
    "UpstreamTimeoutError": "no answer",
}


class Health:
    """Cache of probe results."""

    def __init__(self) -> None:
        self._states: dict[str, Any] = {}
        self._probed_at = float("-inf")
        self._lock = asyncio.Lock()
        self._refresh_task: asyncio.Task[dict[str, Any]] | None = None

    def refresh(self, upstreams: Iterable[Upstream]) -> None:
        """Update `Upstream.is_up` in the background."""
        if self._refresh_task is None or self._refresh_task.done():
            self._refresh_task = asyncio.create_task(self.states(upstreams))

    async def states(self, upstreams: Iterable[Upstream]) -> dict[str, Any]:
        """Return backend -> `status` (healthy, unhealthy, unreachable), with `code` or `error`."""
        upstreams = tuple(upstreams)
        async with self._lock:
            is_stale = monotonic() - self._probed_at > FRESH_S
            if is_stale or self._states.keys() != {upstream.name for upstream in upstreams}:
                results = await asyncio.gather(*(probe(upstream) for upstream in upstreams))
                self._states = {upstream.name: state for upstream, state in zip(upstreams, results, strict=True)}
                self._probed_at = monotonic()
            return self._states


async def probe(upstream: Upstream) -> dict[str, Any]:
    """Probe a backend once. It bypasses the circuit breaker and does not change it."""
    request = UpstreamRequest("GET", upstream.config.health_path or "/")
    try:
        async with asyncio.timeout(PROBE_S):
            with await upstream.client.send(request, PROBE_S) as response:
                await response.read(1024 * 1024)
                upstream.is_up = response.status == 200
                return {"status": "healthy" if upstream.is_up else "unhealthy", "code": response.status}
    except (UpstreamError, TimeoutError) as error:
        upstream.is_up = False
        return {"status": "unreachable", "error": REASONS.get(type(error).__name__, "no answer")}
