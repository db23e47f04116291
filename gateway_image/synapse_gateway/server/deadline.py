"""A moment by which something must have happened. Moving it further costs no timer: most deadlines never come."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Deadline:
    """Calls *passed* once when its moment comes; it can be set anew, cleared, and stopped for good."""

    __slots__ = ("_due", "_loop", "_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._due = NEVER
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._due < NEVER

    def set(self, seconds: float) -> None:
        """Let it come in *seconds*. A timer that is set for earlier stays, and looks again."""
        self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def clear(self) -> None:
        """What was waited for happened."""
        self._due = NEVER

    def stop(self) -> None:
        """Nothing will be waited for any more; let go of who waited."""
        self._due = NEVER
        self._passed = _nobody
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._due <= self._loop.time():
            self._due = NEVER
            self._passed()
        elif self.is_set:
            self._timer = self._loop.call_at(self._due, self._look)


def _nobody() -> None:
    """What a stopped deadline calls."""
