"""Looks at the pods while they are rolled out, so that nobody waits to the end for one that cannot run."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from ops.errors import UnreachableError
from ops.release.replica import Replica, fault

POLL_S: Final = 0.5


class Watch:
    """Between enter and exit; *hopeless* is set, and *fault* says why, once a pod of *image* cannot run."""

    def __init__(self, look: Callable[[], tuple[Replica, ...]], image: str) -> None:
        self.hopeless = Event()
        self.fault: str | None = None
        self._look, self._image = look, image
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not (self._over.wait(POLL_S) or self.hopeless.is_set()):
            try:
                self.fault = fault(self._look(), self._image)
            except UnreachableError:  # Pulumi asks the same API, and will say so
                continue
            if self.fault:
                self.hopeless.set()
