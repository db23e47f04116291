"""StatefulSets, DaemonSets and Jobs."""

from typing import Final

from tools.offline.plugins.kubernetes.awaiting.pods import full_name, pod_warnings
from tools.offline.plugins.kubernetes.awaiting.rule import (
    READY,
    Progress,
    Rule,
    condition,
    is_observed,
    label_selector,
    owned,
)
from tools.offline.plugins.kubernetes.objects import at
from tools.offline.plugins.values import Object

JOB_ERRORS: Final = ("BackoffLimitExceeded", "DeadlineExceeded")
"""Reasons of a failed Job that end the wait; with others it goes on until the timeout."""


class StatefulSetRule(Rule):
    """All replicas are ready and of the current revision."""

    def look(self, live: Object) -> Progress:
        ready, desired = _current_replicas(live), at(live, "spec", "replicas", default=0)
        if _are_replicas_ready(live) and _is_revision_ready(live):
            return READY
        if at(live, "metadata", "generation", default=0) <= 1:
            return Progress(message=f"[1/2] Waiting for StatefulSet to create Pods ({ready}/{desired} Pods ready)")
        if not _are_replicas_ready(live):
            message = f"[1/3] Waiting for StatefulSet update to roll out ({ready}/{desired} Pods ready)"
            return Progress(message=message)
        return Progress(message="[2/3] Waiting for StatefulSet to update .status.currentRevision")

    def errors(self, live: Object) -> list[str]:
        errors, status = [], at(live, "status", default={})
        if not _are_replicas_ready(live):
            desired = at(live, "spec", "replicas", default=0)
            errors.append(f"{_current_replicas(live)} out of {desired} replicas succeeded readiness checks")
        if not _is_revision_ready(live):
            revisions = (status.get("currentRevision", ""), status.get("updateRevision", ""))
            errors.append(
                'StatefulSet controller failed to advance from revision "{}" to revision "{}"'.format(*revisions)
            )
        return [*errors, *self.warnings(live)]

    def warnings(self, live: Object) -> list[str]:
        pods = owned(self.beside("Pod", labelSelector=label_selector(live)), live)
        return [warning for pod in pods for warning in pod_warnings(pod)]


def _is_revision_ready(live: Object) -> bool:
    status = at(live, "status", default={})
    is_same = bool(status.get("currentRevision")) and status["currentRevision"] == status.get("updateRevision")
    return is_observed(live) and (is_same or _is_updated_by_hand(live))


def _are_replicas_ready(live: Object) -> bool:
    desired, status = at(live, "spec", "replicas", default=0), at(live, "status", default={})
    counts = ["replicas", "readyReplicas", *([] if _is_updated_by_hand(live) else ["currentReplicas"])]
    return is_observed(live) and all(status.get(name, 0) == desired for name in counts)


def _is_updated_by_hand(live: Object) -> bool:
    is_update = at(live, "metadata", "generation", default=0) > 1
    return is_update and bool(at(live, "spec", "updateStrategy", "type") == "OnDelete")


def _current_replicas(live: Object) -> int:
    status = at(live, "status", default={})
    ready: int = status.get("readyReplicas", 0)
    return ready if _is_revision_ready(live) else min(ready, int(status.get("updatedReplicas", 0)))


class DaemonSetRule(Rule):
    """Every node has a pod of the current version that is available."""

    def look(self, live: Object) -> Progress:
        status = at(live, "status", default={})
        if at(live, "metadata", "deletionTimestamp") or not is_observed(live):
            return Progress(message="DaemonSet generation is not observed yet")
        desired = status.get("desiredNumberScheduled", 0)
        for name, count in (
            ("Current", "currentNumberScheduled"),
            ("Updated", "updatedNumberScheduled"),
            ("Available", "numberAvailable"),
            ("Ready", "numberReady"),
        ):
            if desired > status.get(count, 0):
                return Progress(message=f"{name}: {status.get(count, 0)}/{desired}")
        return READY

    def warnings(self, live: Object) -> list[str]:
        pods = owned(self.beside("Pod", labelSelector=label_selector(live)), live)
        return [warning for pod in pods for warning in pod_warnings(pod)]

    def timeout_message(self, name: str) -> str:
        return "timed out waiting for the condition"

    cancel_message = timeout_message


class JobRule(Rule):
    """The Job has completed."""

    restarts_with_changes = True

    def look(self, live: Object) -> Progress:
        name, status = full_name(live), at(live, "status", default={})
        if not status.get("startTime"):
            return Progress(message=f'Waiting for Job "{name}" to start')
        if condition(live, "Complete").get("status") == "True":
            return READY
        counts = ", ".join(f"{key}: {status.get(key.lower(), 0)}" for key in ("Active", "Succeeded", "Failed"))
        message = f'Waiting for Job "{name}" to succeed ({counts.replace(",", " |")})'
        return Progress(is_failed=bool(_job_failure(live)), message=message)

    def errors(self, live: Object) -> list[str]:
        return [*_job_failure(live), *self.warnings(live)]

    def warnings(self, live: Object) -> list[str]:
        pods = owned(self.beside("Pod", labelSelector=label_selector(live)), live)
        return [warning for pod in pods for warning in pod_warnings(pod)]


def _job_failure(live: Object) -> list[str]:
    failed = condition(live, "Failed")
    is_error = failed.get("status") == "True" and failed.get("reason") in JOB_ERRORS
    return [f"[{failed['reason']}] {failed.get('message', '')}"] if is_error else []
