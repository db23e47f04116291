"""Queue of blocking jobs, run in order of arrival on a limited number of threads."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from synapse_engines.errors import UnavailableError

T = TypeVar("T")
CancelEvent = Event
"""Set when the result of a job is no longer needed; the job checks it often and then returns."""


class WorkQueue:
    """Queue with *max_running* threads and at most *max_waiting* queued jobs; more are refused."""

    def __init__(self, name: str, max_running: int = 1, max_waiting: int = 64) -> None:
        self._threads = ThreadPoolExecutor(max_running, thread_name_prefix=name)
        self._max_jobs = max_running + max_waiting
        self._max_running = max_running
        self._jobs: set[CancelEvent] = set()

    @property
    def running(self) -> int:
        return min(len(self._jobs), self._max_running)

    @property
    def waiting(self) -> int:
        return max(len(self._jobs) - self._max_running, 0)

    async def run(self, job: Callable[[CancelEvent], T]) -> T:
        """Return the result of *job*; it is cancelled with the caller. Raises UnavailableError if the queue is full."""
        if len(self._jobs) >= self._max_jobs:
            raise UnavailableError(f"the queue is full: {len(self._jobs)} requests are running or waiting; retry later")
        cancel = CancelEvent()
        self._jobs.add(cancel)
        try:
            future = self._threads.submit(job, cancel)
        except RuntimeError as error:
            self._jobs.discard(cancel)
            raise UnavailableError("the queue is closed: the process or the model is shutting down") from error
        future.add_done_callback(lambda _: self._jobs.discard(cancel))
        try:
            return await asyncio.wrap_future(future)
        finally:
            cancel.set()

    async def stream(self, job: Callable[[CancelEvent], Iterable[T]]) -> AsyncGenerator[T, None]:
        """Yield the items of *job* as it produces them; cancel it when the generator is closed early."""
        loop, items = asyncio.get_running_loop(), asyncio.Queue[T | None]()

        def produce(cancel: CancelEvent) -> None:
            try:
                for item in job(cancel):
                    loop.call_soon_threadsafe(items.put_nowait, item)
            finally:
                loop.call_soon_threadsafe(items.put_nowait, None)

        producer = asyncio.ensure_future(self.run(produce))
        producer.add_done_callback(lambda _: items.put_nowait(None))  # the job may be refused before it starts
        try:
            while (item := await items.get()) is not None:
                yield item
            await producer
        finally:
            producer.cancel()

    def close(self, *, wait: bool = False) -> None:
        """Cancel all jobs and accept no more; with *wait*, return after the running ones have ended."""
        for cancel in tuple(self._jobs):
            cancel.set()
        self._threads.shutdown(wait=wait, cancel_futures=True)


async def cancel_on_disconnect(request: Request, work: Awaitable[T]) -> T:
    """Return the result of *work*; if the client disconnects, cancel it and raise ClientDisconnect."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_wait_for_disconnect(request))
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


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
