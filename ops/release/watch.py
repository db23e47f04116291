"""Watch over a rollout: a pod that cannot run ends it at once, before Pulumi's own timeout."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from ops.errors import UnreachableError
from ops.release.replica import Replica, first_fault

POLL_S: Final = 0.5


class RolloutWatch:
    """Context that polls the pods; once a pod of *image* cannot run, *failed* is set and *fault* has the reason."""

    def __init__(self, read_pods: Callable[[], tuple[Replica, ...]], image: str) -> None:
        self.failed = Event()
        self.fault: str | None = None
        self._read_pods, self._image = read_pods, image
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
                self.fault = first_fault(self._read_pods(), self._image)
            except UnreachableError:  # Pulumi uses the same API, and reports it
                continue
            if self.fault:
                self.failed.set()
