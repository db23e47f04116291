"""State of a pod as the API has it: ready, terminating, and waiting for a reason that does not end."""

from collections.abc import Iterator
from typing import Any, Final

FATAL_WAITING: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that do not end without a change. The kubelet sets each after a failed attempt."""


def is_terminating(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Return whether the pod was deleted and has not ended yet."""
    return pod.metadata.deletion_timestamp is not None


def has_ended(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    """Return whether the pod has done its work, or is a failed one of a Job, which makes another."""
    is_of_job = any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
    return pod.status.phase == "Succeeded" or (pod.status.phase == "Failed" and is_of_job)


def ready_condition(pod: Any) -> Any:  # noqa: ANN401 - the client is untyped
    """Return the condition that says the pod is ready; None where it is not, or is terminating.

    A terminating pod keeps the condition until its containers have ended, but gets no new requests.
    """
    if is_terminating(pod):
        return None
    conditions = pod.status.conditions or []
    return next((each for each in conditions if each.type == "Ready" and each.status == "True"), None)


def is_ready(pod: Any) -> bool:  # noqa: ANN401 - the client is untyped
    return ready_condition(pod) is not None


def fatal_waiting(container_status: Any) -> str | None:  # noqa: ANN401 - the client is untyped
    """Return `reason: message` of a container that waits for a reason in FATAL_WAITING."""
    waiting = container_status.state.waiting
    if waiting is None or waiting.reason not in FATAL_WAITING:
        return None
    return f"{waiting.reason}: {waiting.message or 'no message'}"


def waiting_reasons(pod: Any) -> Iterator[str]:  # noqa: ANN401 - the client is untyped
    """Yield `reason message` for each container of *pod* that waits."""
    for status in pod.status.container_statuses or []:
        if status.state and status.state.waiting:
            yield f"{status.state.waiting.reason} {status.state.waiting.message or ''}".rstrip()
