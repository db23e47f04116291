"""The models of a llama.cpp router: one is loaded at a time, and none is taken away while a call uses it."""

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
from synapse_gateway.upstream.lifecycle import ModelGoneError
from synapse_gateway.upstream.models.listing import Entry, find, is_loaded
from synapse_gateway.upstream.models.load import load
from synapse_gateway.upstream.models.router_api import RouterApi, unknown
from synapse_gateway.upstream.models.router_restart import Runtime

T = TypeVar("T")
log = logging.getLogger("synapse_gateway.upstream.models")


class RouterModels:
    """Knows what is loaded, so that a call for it costs no question, and who uses it.

    One change goes on at a time. Those who want a model that is not there wait for the same load of it, which goes on
    when they leave. A change waits for the calls of the models that it takes away; who comes for those meanwhile
    waits behind it, or it would wait for ever. Replicas of the gateway know only their own calls.
    """

    def __init__(self, api: RouterApi, times: ModelTimes, runtime: Runtime) -> None:
        self.api = api
        self._times = times
        self._runtime = runtime
        self._loaded: set[str] = set()
        self._active: dict[str, int] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._changes: set[asyncio.Task[Any]] = set()
        self._change = asyncio.Lock()
        self._freed = asyncio.Event()

    def use(self, model: str | None) -> AbstractAsyncContextManager[None]:
        """See Lifecycle; without a name it is the router who says what is missing."""
        return Use(self, model) if model else nullcontext()

    def forget(self, model: str) -> None:
        """Look again before the next call for *model*."""
        self._loaded.discard(model)

    def close(self) -> None:
        for task in self._changes:
            task.cancel()

    # For those who use a model

    async def take(self, model: str) -> None:
        """Have *model* loaded, and held until it is given back."""
        if model in self._loaded:
            self._active[model] = self._active.get(model, 0) + 1
        else:
            await self._wait(model)

    def give(self, model: str) -> None:
        self._active[model] -= 1
        if not self._active[model]:
            del self._active[model]
            self._freed.set()

    async def _wait(self, model: str) -> None:
        self.api.check()
        turn = asyncio.get_running_loop().create_future()
        others = self._waiting.setdefault(model, [])
        others.append(turn)
        if len(others) == 1:
            self._begin(self._switch(model))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give(model)  # the turn came as the client left
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
            task.exception()  # who waited for it may have left

    async def _switch(self, model: str) -> None:
        try:
            async with self._change:
                if any(not turn.done() for turn in self._waiting[model]):
                    await self._make_ready(model)
                self._grant(model)
        except GatewayError as error:
            self._refuse(model, error)
        except asyncio.CancelledError:
            self._refuse(model, UnavailableError(f"{self.api.name} is gone from the configuration"))
            raise
        except Exception as error:  # noqa: BLE001 - those who wait must be told
            log.error("%s while a model was loaded", type(error).__name__)  # noqa: TRY400 - it may show values
            self._refuse(model, InternalError("the gateway failed to load a model"))

    def _grant(self, model: str) -> None:
        """In one go, so that the next change sees everybody who uses *model*."""
        for turn in self._waiting.pop(model):
            if not turn.done():
                self._active[model] = self._active.get(model, 0) + 1
                turn.set_result(None)

    def _refuse(self, model: str, error: GatewayError) -> None:
        for turn in self._waiting.pop(model):
            if not turn.done():
                turn.set_exception(error)

    async def _make_ready(self, model: str) -> None:
        entries = await self.api.patiently(self.api.listing)
        if tokens := self._runtime.due(model, entries):
            await self._quiet(None)
            entries = await self._reconfigured(tokens, entries)
        found = find(entries, model)
        if found is None:
            raise unknown(model)
        others = [entry["id"] for entry in entries if is_loaded(entry) and entry["id"] != model]
        if others or not is_loaded(found):
            await self._quiet(model)
            await load(self.api, self._times, model, others)
        self._loaded = {model}

    async def _reconfigured(self, tokens: int, entries: list[Entry]) -> list[Entry]:
        """What the router has after its restart; serving goes on with what there is where Kubernetes is away."""
        try:
            await self._runtime.roll_out(tokens, self.api)
        except (ConflictError, UnavailableError) as error:
            self._runtime.log_refusal(error)
            return entries
        return await self.api.patiently(self.api.listing)

    async def _quiet(self, spared: str | None) -> None:
        """Wait until no model but *spared* is in use. Raises UnavailableError when that takes too long."""
        held = self._loaded - {spared}
        self._loaded -= held
        try:
            async with asyncio.timeout(self._times.busy_s):
                while self._active.keys() - {spared}:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            self._loaded |= held
            raise UnavailableError(
                "another model is in use, and its calls did not end in time", code="model_busy", retry_after_s=5
            ) from None

    # For those who rule over models; what they began goes on when they leave

    async def begin_load(self, model: str) -> bool:
        """Have the router begin to load; whether it had begun before. What else is loaded is left to the router.

        Raises ConflictError while the runtime is being changed for another, and what a change raises.
        """
        return await self._rule(model, self._order)

    async def ensure(self, model: str) -> None:
        """Have *model* loaded, with the runtime that its profile asks for. Raises as `begin_load` does."""
        await self._rule(model, self._make_ready)

    async def unload(self, model: str) -> None:
        """Raises ConflictError while calls use *model*, and RefusedError for one that does not run."""
        self._check_unused(model)
        self.forget(model)
        async with self._change:
            self._check_unused(model)
            self.forget(model)
            await self.api.unload(model)

    async def _rule(self, model: str, change: Callable[[str], Awaitable[T]]) -> T:
        self._runtime.check(model)
        return await asyncio.shield(self._begin(self._with_runtime(model, change)))

    async def _with_runtime(self, model: str, change: Callable[[str], Awaitable[T]]) -> T:
        async with self._change:
            if tokens := self._runtime.due(model, await self.api.patiently(self.api.listing)):
                await self._quiet(None)
                await self._runtime.roll_out(tokens, self.api)
            return await change(model)

    async def _order(self, model: str) -> bool:
        await self._quiet(model)
        self.forget(model)  # it may be on its way only
        return await self.api.load(model)

    def _check_unused(self, model: str) -> None:
        if model in self._active or model in self._waiting:
            raise ConflictError(f"{model} is in use; ask again when its calls have ended", code="model_busy")


class Use:
    """The time in which one call uses a model."""

    __slots__ = ("_model", "_models")

    def __init__(self, models: RouterModels, model: str) -> None:
        self._models = models
        self._model = model

    async def __aenter__(self) -> None:
        await self._models.take(self._model)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._models.give(self._model)
        if isinstance(error, RefusedError) and _says_gone(error):
            self._models.forget(self._model)
            raise ModelGoneError(f"{self._model} was unloaded; ask again", retry_after_s=1) from error
        if isinstance(error, (UnavailableError, BadGatewayError)):
            self._models.forget(self._model)


def _says_gone(error: RefusedError) -> bool:
    """llama.cpp answers so for a model that was unloaded or whose process ended."""
    return error.status == 400 and any(words in error.message for words in ("is not loaded", "is not running"))
