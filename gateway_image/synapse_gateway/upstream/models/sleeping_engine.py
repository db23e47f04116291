"""A vLLM engine that sleeps: its weights wait in RAM while nobody asks, and come back for the next call.

It offers this in its development mode alone; without it, it is always awake.
https://docs.vllm.ai/en/latest/features/sleep_mode.html
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from synapse_gateway.errors import GatewayError, UnavailableError
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.http import Request, UpstreamError

if TYPE_CHECKING:
    from synapse_gateway.upstream.backend import Backend

SLEEP = Request("POST", "/sleep?level=1&mode=wait")
"""Weights go to RAM; a request that came on another way is waited for, not aborted."""
WAKE = Request("POST", "/wake_up")
ASK = Request("GET", "/is_sleeping")
MOST_BYTES = 64 * 1024
ABSENT_S = 60.0
"""So long is it taken for granted that an engine without these routes has none."""
_ALWAYS = nullcontext()


class Sleeping(msgspec.Struct):
    """The answer of `GET /is_sleeping`."""

    is_sleeping: bool


class Engine:
    """Wakes the engine before a call, and lets it sleep once no call came for as long as the configuration says.

    That it is awake is believed for a moment only: another replica may put it to sleep.
    """

    def __init__(self, backend: "Backend", times: ModelTimes) -> None:
        self._backend = backend
        self._times = times
        self._idle_s = backend.config.sleep_idle_s
        self._awake_until = 0.0
        self._absent_until = 0.0
        self._active = 0
        self._idle_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._change = asyncio.Lock()
        self._nap: asyncio.Task[None] | None = None

    def use(self, model: str | None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - it has one model
        return _ALWAYS if monotonic() < self._absent_until else Use(self)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._nap is not None:
            self._nap.cancel()

    # For calls

    async def take(self) -> None:
        """Have it awake, and kept so until it is given back. Raises UnavailableError and BackendTimeoutError."""
        self._active += 1
        try:
            if monotonic() >= self._awake_until:
                async with self._change:
                    await self._wake()
        except BaseException:
            self.give()
            raise

    def give(self) -> None:
        self._active -= 1
        if not self._active and self._idle_s:
            self._idle_since = monotonic()
            if self._timer is None:
                self._wait(self._idle_s)

    def doubt(self) -> None:
        """Look again before the next call."""
        self._awake_until = 0.0

    # Waking

    async def _wake(self) -> None:
        if monotonic() < self._awake_until:
            return
        status, data = await self._ask(ASK, self._times.answer_s)
        if status == 404:
            self._absent_until = monotonic() + ABSENT_S
            return
        if status == 200 and _is_sleeping(data):
            status, _ = await self._ask(WAKE, self._times.load_s)
            if status != 200:
                raise UnavailableError(f"{self._backend.name} sleeps and does not wake", code="engine_asleep")
        self._awake_until = monotonic() + self._times.trust_s

    async def _ask(self, request: Request, timeout_s: float) -> tuple[int, bytes]:
        try:
            with await self._backend.send(request, timeout_s) as answer:
                return answer.status, await answer.read(MOST_BYTES)
        except UpstreamError as error:
            raise self._backend.failure(error) from error

    # Going to sleep

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        rest_s = self._idle_since + self._idle_s - monotonic()
        if rest_s > 0:
            self._wait(rest_s)
        else:
            self._nap = asyncio.get_running_loop().create_task(self._sleep())

    async def _sleep(self) -> None:
        """Nobody uses it; who comes now waits until it sleeps, and wakes it."""
        async with self._change:
            if self._active:
                return
            self.doubt()
            try:
                await self._ask(SLEEP, self._times.load_s)
            except GatewayError:
                return  # it is tried again after the next call


class Use:
    """The time in which one call uses the engine."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __aenter__(self) -> None:
        await self._engine.take()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.give()
        if isinstance(error, GatewayError) and error.status >= 500:
            self._engine.doubt()


def _is_sleeping(data: bytes) -> bool:
    try:
        return msgspec.json.decode(data, type=Sleeping).is_sleeping
    except msgspec.DecodeError:
        return False
