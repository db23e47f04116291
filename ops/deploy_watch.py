"""Hopeless pods of a deployment: a fault counts once it has lasted, longer for a pod that may be replaced."""

from collections.abc import Iterable
from typing import Any, Final

from ops.cluster.pod_faults import hopeless

STEADY_S: Final = 20.0
"""Time that a new pod must keep its fault."""
FORMER_STEADY_S: Final = 180.0
"""The same for a pod of an earlier deployment, which this one may be about to replace."""


class SteadyFaults:
    """Faults by pod with the time of their beginning; the first pods that are seen are of an earlier deployment."""

    def __init__(self, *, is_offline: bool) -> None:
        self._is_offline = is_offline
        self._former: frozenset[str] | None = None
        self._since: dict[str, float] = {}

    def observe(self, pods: Iterable[Any], now: float) -> str | None:
        """Take the pods at one moment, in seconds, into account; return a fault that has lasted, if there is one."""
        present = {pod.metadata.uid: pod for pod in pods}
        if self._former is None:
            self._former = frozenset(present)
        faults = {uid: fault for uid, pod in present.items() if (fault := self._hopeless(pod))}
        self._since = {uid: self._since.get(uid, now) for uid in faults}
        return next((faults[uid] for uid, since in self._since.items() if now - since >= self._steady_s(uid)), None)

    def _hopeless(self, pod: Any) -> str | None:  # noqa: ANN401 - the client is untyped
        return hopeless(pod, is_offline=self._is_offline)

    def _steady_s(self, uid: str) -> float:
        return FORMER_STEADY_S if uid in (self._former or ()) else STEADY_S
