"""Watch over a deployment: a pod that can never start ends it, before Pulumi's own timeout of many minutes."""

import time
from collections.abc import Callable, Iterable
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self

from ops.cluster.pod_faults import hopeless
from ops.errors import UnreachableError

POLL_S: Final = 1.0
STEADY_S: Final = 20.0
"""Time that a new pod must keep its fault."""
FORMER_STEADY_S: Final = 180.0
"""The same for a pod of an earlier deployment, which this one may be about to replace."""


class DeployWatch:
    """Context that polls the pods; once one keeps a hopeless fault, *failed* is set and *fault* has the reason."""

    def __init__(self, read_pods: Callable[[], Iterable[Any]], *, is_offline: bool) -> None:
        self.failed = Event()
        self.fault: str | None = None
        self._read_pods, self._is_offline = read_pods, is_offline
        self._former: frozenset[str] | None = None
        self._since: dict[str, float] = {}
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
                pods = list(self._read_pods())
            except UnreachableError:  # Pulumi uses the same API, and reports it
                continue
            self.observe(pods, time.monotonic())

    def observe(self, pods: Iterable[Any], now: float) -> None:
        """Take the pods at one moment into account."""
        present = {pod.metadata.uid: pod for pod in pods}
        if self._former is None:
            self._former = frozenset(present)
        faults = {uid: fault for uid, pod in present.items() if (fault := self._hopeless(pod))}
        self._since = {uid: self._since.get(uid, now) for uid in faults}
        self.fault = next(
            (faults[uid] for uid, since in self._since.items() if now - since >= self._steady_s(uid)), None
        )
        if self.fault:
            self.failed.set()

    def _hopeless(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        return hopeless(pod, is_offline=self._is_offline)

    def _steady_s(self, uid: str) -> float:
        return FORMER_STEADY_S if uid in (self._former or ()) else STEADY_S
