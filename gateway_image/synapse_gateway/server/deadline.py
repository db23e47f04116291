"""Deadline that is cheap to move: postponing it does not reset the timer, since most deadlines never expire."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Deadline:
    """Timer that calls *expired* once. It can be set again, cleared, and stopped for good."""

    __slots__ = ("_due", "_expired", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._due = NEVER
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        return self._due < NEVER

    def set(self, seconds: float) -> None:
        """Expire in *seconds*. An earlier timer stays, and is renewed when it fires."""
        self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._check)

    def clear(self) -> None:
        """Do not expire until it is set again."""
        self._due = NEVER

    def stop(self) -> None:
        """Never expire; drop the timer and the callback."""
        self._due = NEVER
        self._expired = _do_nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._due <= self._loop.time():
            self._due = NEVER
            self._expired()
        elif self.is_set:
            self._timer = self._loop.call_at(self._due, self._check)


def _do_nothing() -> None:
    """Replace the callback of a stopped deadline."""
