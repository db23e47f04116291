"""Work that would block the event loop, in the order it came, on as many threads as may work at once."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from synapse_engines.errors import UnavailableError

T = TypeVar("T")
Stop = Event
"""Set once nobody waits for the work any more: whoever works looks at it often."""


class Turns:
    """*at_once* jobs run, and *most_waiting* wait; more are refused."""

    def __init__(self, name: str, at_once: int = 1, most_waiting: int = 64) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._most = at_once + most_waiting
        self._at_once = at_once
        self._stops: set[Stop] = set()

    @property
    def running(self) -> int:
        return min(len(self._stops), self._at_once)

    @property
    def waiting(self) -> int:
        return max(len(self._stops) - self._at_once, 0)

    async def take(self, job: Callable[[Stop], T]) -> T:
        """What *job* gives. Cancelled, it is told to stop. Raises UnavailableError when too many wait."""
        if len(self._stops) >= self._most:
            raise UnavailableError(f"{len(self._stops)} requests are under way or wait; ask again later")
        stop = Stop()
        self._stops.add(stop)
        try:
            future = self._threads.submit(job, stop)
        except RuntimeError as error:
            self._stops.discard(stop)
            raise UnavailableError("no more work is taken: the process, or the model, is about to end") from error
        future.add_done_callback(lambda _: self._stops.discard(stop))
        try:
            return await asyncio.wrap_future(future)
        finally:
            stop.set()

    async def stream(self, job: Callable[[Stop], Iterable[T]]) -> AsyncGenerator[T, None]:
        """What *job* gives, each as it comes. Leaving it early tells *job* to stop."""
        loop, made = asyncio.get_running_loop(), asyncio.Queue[T | None]()

        def work(stop: Stop) -> None:
            try:
                for part in job(stop):
                    loop.call_soon_threadsafe(made.put_nowait, part)
            finally:
                loop.call_soon_threadsafe(made.put_nowait, None)

        working = asyncio.ensure_future(self.take(work))
        working.add_done_callback(lambda _: made.put_nowait(None))  # it may never have begun
        try:
            while (part := await made.get()) is not None:
                yield part
            await working
        finally:
            working.cancel()

    def close(self, *, is_patient: bool = False) -> None:
        """Tell all to stop, and begin nothing more. *is_patient*: return once nobody works any more."""
        for stop in tuple(self._stops):
            stop.set()
        self._threads.shutdown(wait=is_patient, cancel_futures=True)


async def unless_left(request: Request, work: Awaitable[T]) -> T:
    """What *work* gives; it is cancelled once the client hangs up. Raises ClientDisconnect then."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in (working, watching):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
