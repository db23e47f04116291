"""Wait for objects in a cluster: with a deadline, status messages, and cancellation."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import Final

from tools.offline.plugins.engine_log import EngineLog
from tools.offline.plugins.kubernetes.api import KubernetesApi
from tools.offline.plugins.kubernetes.awaiting.rule import Progress, Rule, Wait
from tools.offline.plugins.kubernetes.awaiting.table import rule
from tools.offline.plugins.kubernetes.errors import ApiError, ClusterUnreachableError, KubernetesError, NotReadyError
from tools.offline.plugins.kubernetes.objects import ObjectReference, annotation, is_annotated, reference
from tools.offline.plugins.kubernetes.pace import settle_s
from tools.offline.plugins.values import Object

TIMEOUT_S: Final = 600.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
WARNINGS_PAUSE_S: Final = 10.0
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
NOT_IN_TIME: Final = "timed out waiting for the condition"
SKIPS_DELETION: Final = {
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "Job"),
}
"""Kinds whose deletion is not waited for with `skipAwait`; that of any other kind is."""


@dataclass(frozen=True)
class Waiter:
    """Waits for objects; `cancelled` ends every wait."""

    api: KubernetesApi
    log: EngineLog
    cancelled: Event

    def until_ready(self, urn: str, inputs: Object, live: Object, before: Object | None, timeout_s: float) -> Object:
        """Return the object once it is ready; `before` is the one that was changed. Raises NotReadyError."""
        if is_annotated(inputs, SKIP_AWAIT):
            self.log.status(urn, "Skipping await logic")
            return live
        waits = rule(Wait(api=self.api, applied=live, before=before, settle_s=settle_s()))
        if waits is None:
            return live
        ready = _Attempt(self, urn, waits, timeout_s).run(live)
        self.log.status(urn, "")
        return ready

    def check(self, live: Object, inputs: Object) -> None:
        """Look once whether the object is ready, as a refresh does. Raises NotReadyError."""
        waits = rule(Wait(api=self.api, applied=live, before=live, is_read=True))
        if waits is None or is_annotated(inputs, SKIP_AWAIT) or waits.look(live).is_ready:
            return
        raise NotReadyError(_not_initialized(live), waits.errors(live))

    def until_gone(self, urn: str, target: ObjectReference, uid: str, timeout_s: float) -> None:
        """Return once the object with this uid no longer exists."""
        deadline = time.monotonic() + timeout_s
        for pause_s in pauses():
            live = self.api.get(target)
            if live is None or live["metadata"]["uid"] != uid:
                return
            if time.monotonic() > deadline:
                finalizers = ", ".join(live["metadata"].get("finalizers") or ())
                self.log.say_warning(urn, f"finalizers might be preventing deletion ({finalizers})")
                raise NotReadyError(NOT_IN_TIME)
            if pause_s == LONGEST_PAUSE_S:
                self.log.status(urn, "Resource scheduled for deletion")
            if self.cancelled.wait(pause_s):
                raise NotReadyError("context canceled")


class _Attempt:
    """One wait, with what it has shown already."""

    def __init__(self, waiter: Waiter, urn: str, waits: Rule, timeout_s: float) -> None:
        self._waiter, self._urn, self._rule = waiter, urn, waits
        self._timeout_s = waits.limit_s or timeout_s
        self._deadline = time.monotonic() + self._timeout_s
        self._warnings_due = time.monotonic() + LONGEST_PAUSE_S
        self._shown: set[str] = set()
        self._last = ""

    def run(self, live: Object) -> Object:
        name = reference(live).name
        for pause_s in pauses():
            now = self._look(live)
            if now.is_ready:
                return live
            if now.is_failed:
                raise NotReadyError(_not_initialized(live), self._rule.errors(live))
            if time.monotonic() > self._deadline:
                return self._at_end(live, self._rule.timeout_message(name))
            self._show(now, live)
            if self._waiter.cancelled.wait(pause_s):
                return self._at_end(live, self._rule.cancel_message(name))
            live = self._again(live)
        raise AssertionError  # pauses() has no end

    def _look(self, live: Object) -> Progress:
        try:
            return self._rule.look(live)
        except (ApiError, ClusterUnreachableError) as error:
            return Progress(message=str(error))

    def _at_end(self, live: Object, message: str) -> Object:
        """Return the object if that is enough, else raise NotReadyError with the reasons."""
        try:
            if self._rule.is_enough(live):
                return live
            errors = self._rule.errors(live)
        except (ApiError, ClusterUnreachableError) as error:
            errors = [str(error)]
        raise NotReadyError(message, errors)

    def _show(self, now: Progress, live: Object) -> None:
        if now.message and now.message != self._last:
            self._last = now.message
            self._waiter.log.status(self._urn, now.message)
        if time.monotonic() < self._warnings_due:
            return
        self._warnings_due = time.monotonic() + WARNINGS_PAUSE_S
        for warning in self._warnings(live):
            if warning not in self._shown:
                self._shown.add(warning)
                self._waiter.log.status_warning(self._urn, warning)

    def _warnings(self, live: Object) -> list[str]:
        try:
            return [*self._rule.warnings(live), *_event_warnings(self._waiter.api, live)]
        except (ApiError, ClusterUnreachableError):
            return []

    def _again(self, live: Object) -> Object:
        """Return the current object, or the last one where the cluster does not respond or has none."""
        try:
            current = self._waiter.api.get(reference(live)) or live
        except (ApiError, ClusterUnreachableError):
            return live
        if self._rule.restarts_with_changes and _version(current) != _version(live):
            self._deadline = time.monotonic() + self._timeout_s
        return current


def pauses() -> Iterator[float]:
    """Yield the pause before each next check in seconds, short at first, without end."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def timeout_s(inputs: Object, requested_s: float) -> float:
    """Return the timeout: the resource's custom timeout, its annotation if that is a whole number, or ten minutes."""
    try:
        return requested_s or float(int(annotation(inputs, TIMEOUT_SECONDS)))
    except ValueError:
        return TIMEOUT_S


def skips_deletion(inputs: Object) -> bool:
    """Return whether the end of a deletion is not waited for."""
    return is_annotated(inputs, SKIP_AWAIT) and (inputs.get("apiVersion"), inputs.get("kind")) in SKIPS_DELETION


def _event_warnings(api: KubernetesApi, live: Object) -> list[str]:
    """Return the warnings about the object itself, the oldest first."""
    target = reference(live)
    events = ObjectReference("v1", "Event", "", target.namespace or "default")
    selector = f"involvedObject.uid={live['metadata'].get('uid')},type=Warning"
    try:
        warnings = api.list_objects(events, fieldSelector=selector)
    except KubernetesError:
        return []
    ordered = sorted(warnings, key=lambda event: str(event.get("lastTimestamp")))
    return [f"{each.get('reason')}: {each.get('message')}" for each in ordered]


def _not_initialized(live: Object) -> str:
    return f"Resource '{reference(live).name}' was created but failed to initialize"


def _version(item: Object) -> object:
    return item["metadata"].get("resourceVersion")
