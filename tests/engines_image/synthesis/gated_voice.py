"""A voice that speaks only when a test lets it, and a server in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import uvicorn
from starlette.types import ASGIApp

from synapse_engines.audio.waveform import Waveform
from tests.ports import reserved_port

RATE = 24_000
WAIT_S = 300


class GatedVoice:
    """Voice whose n-th segment, three seconds of noise, waits until the gate is open for n segments."""

    def __init__(self) -> None:
        self._gate = threading.Semaphore(0)
        self.segments: list[str] = []
        self.finished = 0
        self.error: Exception | None = None

    @property
    def started(self) -> int:
        return len(self.segments)

    @property
    def waiting(self) -> int:
        """Return the number of segments at the gate."""
        return self.started - self.finished

    def open(self, count: int) -> None:
        self._gate.release(count)

    def open_all(self) -> None:
        self._gate.release(1000)

    def speak(self, segment: str) -> Waveform:
        self.segments.append(segment)
        assert self._gate.acquire(timeout=WAIT_S), "the test did not open the gate"
        if self.error:
            raise self.error
        self.finished += 1
        noise = np.random.default_rng(self.finished).uniform(-0.5, 0.5, 3 * RATE)
        return Waveform(noise.astype(np.float32), RATE)


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serve *app* in a thread, and yield its address."""
    with reserved_port() as port:
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(WAIT_S)


async def until(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the state of a thread has no event
            await asyncio.sleep(0.005)


async def until_idle(http: httpx.AsyncClient) -> None:
    """Wait until the engine has no text to synthesize."""
    async with asyncio.timeout(WAIT_S):
        while (await http.get("/health")).json()["running_texts"]:  # noqa: ASYNC110 - the state of another process
            await asyncio.sleep(0.005)
