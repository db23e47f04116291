"""Watch over pods in a thread: a fault that no waiting ends stops Pulumi before its own timeout of many minutes."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from ops.errors import UnreachableError

POLL_S: Final = 0.5


class FaultWatch:
    """Context that calls *look* again and again; once it returns a fault, *failed* is set and *fault* has it."""

    def __init__(self, look: Callable[[], str | None]) -> None:
        self.failed = Event()
        self.fault: str | None = None
        self._look = look
        self._closed = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not (self._closed.wait(POLL_S) or self.failed.is_set()):
            try:
                self.fault = self._look()
            except UnreachableError:  # Pulumi uses the same API, and reports it
                continue
            if self.fault:
                self.failed.set()
