"""Sleep mode of vLLM: an idle engine moves its weights to RAM, and back to the GPU for the next call.

vLLM offers it in development mode only; without that, the engine is always awake.
https://docs.vllm.ai/en/latest/features/sleep_mode.html
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from time import monotonic
from types import TracebackType

import msgspec

from synapse_gateway.errors import GatewayError, UnavailableError
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.http import UpstreamError, UpstreamRequest
from synapse_gateway.upstream.upstream import Upstream

SLEEP = UpstreamRequest("POST", "/sleep?level=1&mode=wait")
"""Move weights to RAM; `mode=wait` lets requests that bypassed the gateway finish first."""
WAKE = UpstreamRequest("POST", "/wake_up")
IS_SLEEPING = UpstreamRequest("GET", "/is_sleeping")
MOST_BYTES = 64 * 1024
UNSUPPORTED_S = 60.0
"""Seconds before an engine without these routes is checked for them again."""
_NO_LEASE = nullcontext()


class SleepState(msgspec.Struct):
    """Response of `GET /is_sleeping`."""

    is_sleeping: bool


class SleepingEngine:
    """Wakes the engine before a call, and puts it to sleep when no call came for the configured time.

    The state "awake" is cached only briefly: another replica may put the engine to sleep.
    """

    def __init__(self, upstream: Upstream, times: ModelTimes) -> None:
        self._upstream = upstream
        self._times = times
        self._idle_s = upstream.config.sleep_idle_s
        self._awake_until = 0.0
        self._unsupported_until = 0.0
        self._active = 0
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._change = asyncio.Lock()
        self._sleep_task: asyncio.Task[None] | None = None

    def lease(self, model: str | None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - it has one model
        return _NO_LEASE if monotonic() < self._unsupported_until else EngineLease(self)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._sleep_task is not None:
            self._sleep_task.cancel()

    # Leases of calls

    async def acquire(self) -> None:
        """Wake the engine, and keep it awake until `release`. Raises UnavailableError and BackendTimeoutError."""
        self._active += 1
        try:
            if monotonic() >= self._awake_until:
                async with self._change:
                    await self._wake()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        self._active -= 1
        if not self._active and self._idle_s:
            self._idle_since = monotonic()
            if self._timer is None:
                self._set_timer(self._idle_s)

    def invalidate(self) -> None:
        """Check the state again before the next call."""
        self._awake_until = 0.0

    # Waking

    async def _wake(self) -> None:
        if monotonic() < self._awake_until:
            return
        status, data = await self._send(IS_SLEEPING, self._times.answer_s)
        if status == 404:
            self._unsupported_until = monotonic() + UNSUPPORTED_S
            return
        if status == 200 and _is_sleeping(data):
            status, _ = await self._send(WAKE, self._times.load_s)
            if status != 200:
                raise UnavailableError(f"{self._upstream.name} did not wake up (status {status})", code="engine_asleep")
        self._awake_until = monotonic() + self._times.trust_s

    async def _send(self, request: UpstreamRequest, timeout_s: float) -> tuple[int, bytes]:
        try:
            with await self._upstream.send(request, timeout_s) as response:
                return response.status, await response.read(MOST_BYTES)
        except UpstreamError as error:
            raise self._upstream.failure(error) from error

    # Going to sleep

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._check_idle)

    def _check_idle(self) -> None:
        self._timer = None
        remaining_s = self._idle_since + self._idle_s - monotonic()
        if remaining_s > 0:
            self._set_timer(remaining_s)
        else:
            self._sleep_task = asyncio.get_running_loop().create_task(self._sleep())

    async def _sleep(self) -> None:
        """Put the idle engine to sleep; a call that arrives meanwhile waits for the lock, then wakes it."""
        async with self._change:
            if self._active:
                return
            self.invalidate()
            try:
                await self._send(SLEEP, self._times.load_s)
            except GatewayError:
                return  # the next call that ends starts the timer again


class EngineLease:
    """Context manager around one call: the engine stays awake until it ends."""

    __slots__ = ("_engine",)

    def __init__(self, engine: SleepingEngine) -> None:
        self._engine = engine

    async def __aenter__(self) -> None:
        await self._engine.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.release()
        if isinstance(error, GatewayError) and error.status >= 500:
            self._engine.invalidate()


def _is_sleeping(data: bytes) -> bool:
    try:
        return msgspec.json.decode(data, type=SleepState).is_sleeping
    except msgspec.DecodeError:
        return False
