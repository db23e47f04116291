"""The state of every backend, asked all at once and remembered for a moment."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any

from synapse_gateway.upstream.backend import Backend
from synapse_gateway.upstream.http import Request, UpstreamError

PROBE_S = 5.0
FRESH_S = 3.0


class Health:
    """The state of every backend, asked all at once and remembered for a moment."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}
        self._found_at = float("-inf")
        self._lock = asyncio.Lock()
        self._looking: asyncio.Task[dict[str, Any]] | None = None

    def look(self, backends: Iterable[Backend]) -> None:
        """Have `Backend.is_up` renewed, without waiting for it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.of(backends))

    async def of(self, backends: Iterable[Backend]) -> dict[str, Any]:
        """Backend -> `status` (healthy, unhealthy, unreachable), with `code` or `error`."""
        backends = tuple(backends)
        async with self._lock:
            if monotonic() - self._found_at > FRESH_S or self._found.keys() != {found.name for found in backends}:
                states = await asyncio.gather(*(probe(backend) for backend in backends))
                self._found = {backend.name: state for backend, state in zip(backends, states, strict=True)}
                self._found_at = monotonic()
            return self._found


async def probe(backend: Backend) -> dict[str, Any]:
    """One look at a backend, past its breaker; it neither counts for it nor against it."""
    try:
        async with asyncio.timeout(PROBE_S):
            with await backend.client.send(Request("GET", backend.config.health_path or "/"), PROBE_S) as answer:
                await answer.read(1024 * 1024)
                backend.is_up = answer.status == 200
                return {"status": "healthy" if backend.is_up else "unhealthy", "code": answer.status}
    except (UpstreamError, TimeoutError) as error:
        backend.is_up = False
        return {"status": "unreachable", "error": REASONS.get(type(error).__name__, "no answer")}


REASONS = {"ConnectError": "no connection", "BrokenAnswerError": "connection lost", "SilentBackendError": "no answer"}
