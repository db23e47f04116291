"""Queue of synthesis requests: their segments take turns at the model, one at a time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import UnavailableError
from synapse_engines.synthesis.sentences import pause_after
from synapse_engines.web.work_queue import WorkQueue

MAX_REQUESTS = 64
Speak = Callable[[str], Waveform]


@dataclass(frozen=True)
class Speaker:
    """Voice of a request: *speak* synthesizes one segment; the sound is then played *tempo* times as fast."""

    speak: Speak
    tempo: float = 1.0


class SpeechQueue:
    """Queue with one thread. *spoken* counts the segments that were synthesized."""

    def __init__(self, name: str) -> None:
        # A request has at most one segment in the queue, so only whole requests are refused.
        self._queue = WorkQueue(name, max_waiting=MAX_REQUESTS)
        self.requests = 0
        self.spoken = 0

    async def stream(self, segments: Sequence[str], speak: Speak) -> AsyncGenerator[Waveform, None]:
        """Yield the sound of each segment, followed by its pause; while it is sent, the next one is synthesized.

        Raises UnavailableError if there are too many requests.
        """
        with self._admitted():
            upcoming = self._start(segments[0], speak)
            try:
                for segment, following in zip(segments, [*segments[1:], None], strict=True):
                    waveform = await upcoming
                    if following is not None:
                        waveform = waveform.followed_by_silence(pause_after(segment))
                        upcoming = self._start(following, speak)
                    yield waveform
            finally:
                upcoming.cancel()

    async def speak(self, text: str, speak: Speak) -> Waveform:
        """Return the sound of one segment, outside of a request."""
        async with aclosing(self.stream([text], speak)) as pieces:
            return await anext(pieces)

    def close(self) -> None:
        self._queue.close()

    def _start(self, segment: str, speak: Speak) -> "asyncio.Task[Waveform]":
        return asyncio.ensure_future(self._speak(segment, speak))

    async def _speak(self, segment: str, speak: Speak) -> Waveform:
        waveform = await self._queue.run(lambda _: speak(segment))
        self.spoken += 1
        return waveform

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self.requests >= MAX_REQUESTS:
            raise UnavailableError(f"the queue is full: {self.requests} texts are being synthesized; retry later")
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1
