"""Wait for objects in a cluster: with a deadline, status messages, and cancellation."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Final

from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.errors import (
    ApiError,
    ClusterUnreachableError,
    KubernetesError,
    NotReadyError,
    UnknownKindError,
)
from tools.offline.plugins.kubernetes.objects import ObjectReference, annotation, is_annotated, reference
from tools.offline.plugins.kubernetes.readiness import Progress, progress
from tools.offline.plugins.kubernetes.reasons import reasons
from tools.offline.plugins.values import Object

TIMEOUT_S: Final = 600.0
DEFINITION_TIMEOUT_S: Final = 30.0  # for a kind whose definition was just created
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"


@dataclass(frozen=True)
class Waiter:
    """Waits for objects; `cancelled` ends every wait."""

    api: KubernetesApi
    log: EngineLog
    cancelled: Event

    def until_ready(self, urn: str, live: Object, timeout_s: float) -> Object:
        """Return the object once it is ready. Raises NotReadyError with the reasons."""
        if is_annotated(live, SKIP_AWAIT):
            return live
        deadline, target, shown = time.monotonic() + timeout_s, reference(live), ""
        for pause_s in pauses():
            now = self._look(live)
            if now.is_ready:
                break
            self._check(now, live, deadline)
            shown = self._show(urn, live, now, shown)
            self.cancelled.wait(pause_s)
            live = self._again(target, live)
        if shown:
            self.log.status(urn, "ready")
        return live

    def until_gone(self, urn: str, target: ObjectReference, uid: str, timeout_s: float) -> None:
        """Return once the object with this uid no longer exists."""
        deadline = time.monotonic() + timeout_s
        for pause_s in pauses():
            live = self.api.get(target)
            if live is None or live["metadata"]["uid"] != uid:
                return
            if time.monotonic() > deadline:
                raise NotReadyError(f"{target} still exists after {timeout_s:.0f} s: {_deletion_obstacle(live)}")
            if pause_s == LONGEST_PAUSE_S:
                self.log.status(urn, f"waiting until it is gone: {_deletion_obstacle(live)}")
            if self.cancelled.wait(pause_s):
                raise NotReadyError(f"cancelled while {target} was being deleted")

    def until_served(self, attempt: Callable[[], Object]) -> Object:
        """Return the result of `attempt` once the cluster serves its kind: a new definition takes a moment."""
        deadline = time.monotonic() + DEFINITION_TIMEOUT_S
        for pause_s in pauses():
            try:
                return attempt()
            except UnknownKindError:
                if time.monotonic() > deadline or self.cancelled.wait(pause_s):
                    raise
        raise AssertionError  # pauses() has no end

    def _look(self, live: Object) -> Progress:
        try:
            return progress(self.api, live)
        except (ApiError, ClusterUnreachableError) as error:
            return Progress(message=str(error))

    def _check(self, now: Progress, live: Object, deadline: float) -> None:
        if now.failure:
            raise NotReadyError("\n".join([now.failure, *reasons(self.api, live)]))
        if self.cancelled.is_set():
            raise NotReadyError(f"cancelled while waiting: {now.message}")
        if time.monotonic() > deadline:
            raise NotReadyError("\n".join([f"timed out: {now.message}", *reasons(self.api, live)]))

    def _show(self, urn: str, live: Object, now: Progress, shown: str) -> str:
        why = reasons(self.api, live)
        message = f"{now.message}: {why[0]}" if why else now.message
        if message != shown:
            self.log.status(urn, message)
        return message

    def _again(self, target: ObjectReference, live: Object) -> Object:
        """Return the current object, or the last one where the cluster does not respond."""
        try:
            current = self.api.get(target)
        except (ApiError, ClusterUnreachableError):
            return live
        if current is None:
            raise NotReadyError(f"{target} was deleted during the wait")
        return current


def pauses() -> Iterator[float]:
    """Yield the pause before each next check in seconds, short at first, without end."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def timeout_s(item: Object, requested_s: float) -> float:
    """Return the timeout: the resource's custom timeout, its annotation, or ten minutes."""
    try:
        return requested_s or float(annotation(item, TIMEOUT_SECONDS) or TIMEOUT_S)
    except ValueError as error:
        raise KubernetesError(f"the annotation {TIMEOUT_SECONDS} must be a number of seconds") from error


def _deletion_obstacle(live: Object) -> str:
    finalizers = live["metadata"].get("finalizers")
    return f"finalizers {', '.join(finalizers)}" if finalizers else "the cluster has not removed it yet"
