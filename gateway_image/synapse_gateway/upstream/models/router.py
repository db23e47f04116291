"""Models of a llama.cpp router: one is loaded at a time, and no model is unloaded while a call uses it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from types import TracebackType
from typing import Any, TypeVar

from synapse_gateway.errors import (
    BadGatewayError,
    ConflictError,
    GatewayError,
    InternalError,
    RefusedError,
    UnavailableError,
)
from synapse_gateway.settings import ModelTimes
from synapse_gateway.upstream.lifecycle import ModelUnloadedError
from synapse_gateway.upstream.models.listing import ModelEntry, find, is_loaded
from synapse_gateway.upstream.models.load import load
from synapse_gateway.upstream.models.router_api import RouterApi, model_not_available
from synapse_gateway.upstream.models.router_restart import RouterRestart

T = TypeVar("T")
log = logging.getLogger("synapse_gateway.upstream.models")


class RouterModels:
    """Cache of the loaded models (a call for one costs no request to the router) and of the calls that use them.

    One change runs at a time. All calls for a model that is not loaded wait for one load, which continues when they
    are cancelled. A change waits for the calls of the models that it unloads; calls for those that arrive meanwhile
    wait behind the change, otherwise it could wait without end. Replicas of the gateway see only their own calls.
    """

    def __init__(self, api: RouterApi, times: ModelTimes, restart: RouterRestart) -> None:
        self.api = api
        self._times = times
        self._restart = restart
        self._loaded: set[str] = set()
        self._active: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._changes: set[asyncio.Task[Any]] = set()
        self._change = asyncio.Lock()
        self._idle = asyncio.Event()

    def lease(self, model: str | None) -> AbstractAsyncContextManager[None]:
        """Return a lease, see `Lifecycle`; without a model name the router itself rejects the call."""
        return ModelLease(self, model) if model else nullcontext()

    def forget(self, model: str) -> None:
        """Check again whether *model* is loaded before the next call for it."""
        self._loaded.discard(model)

    def close(self) -> None:
        for task in self._changes:
            task.cancel()

    # Leases of calls

    async def acquire(self, model: str) -> None:
        """Load *model*, and keep it loaded until `release`."""
        if model in self._loaded:
            self._active[model] = self._active.get(model, 0) + 1
        else:
            await self._wait(model)

    def release(self, model: str) -> None:
        self._active[model] -= 1
        if not self._active[model]:
            del self._active[model]
            self._idle.set()

    async def _wait(self, model: str) -> None:
        self.api.check()
        turn = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(model, [])
        waiting.append(turn)
        if len(waiting) == 1:
            self._begin(self._switch(model))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release(model)  # the lease was granted at the moment the client left
            raise

    # Changes

    def _begin(self, change: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # mark it as retrieved: the caller that awaited it may have been cancelled

    async def _switch(self, model: str) -> None:
        try:
            async with self._change:
                if any(not turn.done() for turn in self._waiting[model]):
                    await self._make_ready(model)
                self._grant(model)
        except GatewayError as error:
            self._refuse(model, error)
        except asyncio.CancelledError:
            self._refuse(model, UnavailableError(f"{self.api.name} was removed from the configuration"))
            raise
        except Exception as error:  # noqa: BLE001 - waiting calls must get an error
            log.error("%s while loading a model", type(error).__name__)  # noqa: TRY400 - a traceback may show values
            self._refuse(model, InternalError("the gateway failed to load a model"))

    def _grant(self, model: str) -> None:
        """Grant all waiting leases at once, so that the next change sees every call that uses *model*."""
        for turn in self._waiting.pop(model):
            if not turn.done():
                self._active[model] = self._active.get(model, 0) + 1
                turn.set_result(None)

    def _refuse(self, model: str, error: GatewayError) -> None:
        for turn in self._waiting.pop(model):
            if not turn.done():
                turn.set_exception(error)

    async def _make_ready(self, model: str) -> None:
        entries = await self.api.retry_unavailable(self.api.models)
        if tokens := self._restart.due(model, entries):
            await self._wait_until_idle(None)
            entries = await self._restarted(tokens, entries)
        entry = find(entries, model)
        if entry is None:
            raise model_not_available(model)
        others = [other["id"] for other in entries if is_loaded(other) and other["id"] != model]
        if others or not is_loaded(entry):
            await self._wait_until_idle(model)
            await load(self.api, self._times, model, others)
        self._loaded = {model}

    async def _restarted(self, tokens: int, entries: list[ModelEntry]) -> list[ModelEntry]:
        """Return the models after a restart; where Kubernetes refuses it, keep serving with the present options."""
        try:
            await self._restart.roll_out(tokens, self.api)
        except (ConflictError, UnavailableError) as error:
            self._restart.log_refusal(error)
            return entries
        return await self.api.retry_unavailable(self.api.models)

    async def _wait_until_idle(self, spared: str | None) -> None:
        """Wait until no model but *spared* is in use. Raises UnavailableError when that takes too long."""
        blocked = self._loaded - {spared}
        self._loaded -= blocked  # new calls for these wait behind the change
        try:
            async with asyncio.timeout(self._times.busy_s):
                while self._active.keys() - {spared}:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            self._loaded |= blocked
            raise UnavailableError(
                f"another model is still in use after {self._times.busy_s:g} s; retry",
                code="model_busy",
                retry_after_s=5,
            ) from None

    # Management of models; a change continues when the client disconnects

    async def begin_load(self, model: str) -> bool:
        """Start to load *model*; return True if it was loading already. The router itself unloads other models.

        Raises ConflictError while the router restarts for another change, and the errors of a change.
        """
        return await self._manage(model, self._start_load)

    async def ensure(self, model: str) -> None:
        """Load *model* with the router options that its profile requires. Raises as `begin_load` does."""
        await self._manage(model, self._make_ready)

    async def unload(self, model: str) -> None:
        """Unload *model*. Raises ConflictError while calls use it, and RefusedError if it is not loaded."""
        self._check_unused(model)
        self.forget(model)
        async with self._change:
            self._check_unused(model)
            self.forget(model)
            await self.api.unload(model)

    async def _manage(self, model: str, change: Callable[[str], Awaitable[T]]) -> T:
        self._restart.check(model)
        return await asyncio.shield(self._begin(self._with_restart(model, change)))

    async def _with_restart(self, model: str, change: Callable[[str], Awaitable[T]]) -> T:
        async with self._change:
            if tokens := self._restart.due(model, await self.api.retry_unavailable(self.api.models)):
                await self._wait_until_idle(None)
                await self._restart.roll_out(tokens, self.api)
            return await change(model)

    async def _start_load(self, model: str) -> bool:
        await self._wait_until_idle(model)
        self.forget(model)  # it is only loading, not loaded
        return await self.api.load(model)

    def _check_unused(self, model: str) -> None:
        if model in self._active or model in self._waiting:
            raise ConflictError(f"{model} is in use; retry when its calls have ended", code="model_busy")


class ModelLease:
    """Context manager around one call: the model stays loaded until it ends."""

    __slots__ = ("_model", "_models")

    def __init__(self, models: RouterModels, model: str) -> None:
        self._models = models
        self._model = model

    async def __aenter__(self) -> None:
        await self._models.acquire(self._model)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._models.release(self._model)
        if isinstance(error, RefusedError) and _is_unloaded(error):
            self._models.forget(self._model)
            raise ModelUnloadedError(f"{self._model} was unloaded; retry", retry_after_s=1) from error
        if isinstance(error, (UnavailableError, BadGatewayError)):
            self._models.forget(self._model)


def _is_unloaded(error: RefusedError) -> bool:
    """Return True for llama.cpp's error about a model that was unloaded or whose process ended."""
    return error.status == 400 and any(words in error.message for words in ("is not loaded", "is not running"))
