"""Pods of a release: the image each is to run, the image it runs, and its fault."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.errors import ReleaseError
from ops.cluster.pod_status import fatal_waiting, is_ready, is_terminating


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One pod. *image*: in its specification; *image_id*: on the node, with the digest that it unpacked."""

    name: str
    image: str
    image_id: str
    is_ready: bool
    created: float  # seconds since 1970
    fault: str | None

    def runs(self, image: str) -> bool:
        """Return whether the node runs *image*, by digest."""
        return self.image_id.rpartition("@")[2] == image.rpartition("@")[2]


def replicas(pods: Iterable[Any]) -> tuple[Replica, ...]:
    """Return the pods that are not terminating, the oldest first."""
    present = (_replica(pod) for pod in pods if not is_terminating(pod))
    return tuple(sorted(present, key=lambda replica: replica.created))


def serving_image(pods: Iterable[Replica]) -> str | None:
    """Return the image of the oldest ready pod: during a rollout, the one before."""
    return next((replica.image for replica in pods if replica.is_ready), None)


def first_fault(pods: Iterable[Replica], image: str) -> str | None:
    """Return the fault of the first pod that cannot run *image*."""
    return next(
        (f"{replica.name}: {replica.fault}" for replica in pods if replica.image == image and replica.fault), None
    )


def check(pods: Iterable[Replica], image: str, count: int) -> None:
    """Raise ReleaseError unless there are *count* pods, all ready, each running *image* according to its node."""
    checked = tuple(pods)
    faults = [f"{replica.name} runs {replica.image_id or 'nothing'}" for replica in checked if not replica.runs(image)]
    faults += [f"{replica.name} is not ready" for replica in checked if not replica.is_ready]
    if len(checked) != count:
        faults.append(f"{len(checked)} pods exist; expected: {count}")
    if faults:
        raise ReleaseError("; ".join(faults))


def _replica(pod: Any) -> Replica:  # noqa: ANN401 - the client is untyped
    status = next(iter(pod.status.container_statuses or []), None)
    ready = is_ready(pod)
    return Replica(
        name=pod.metadata.name,
        image=pod.spec.containers[0].image,
        image_id=status.image_id if status else "",
        is_ready=ready,
        created=pod.metadata.creation_timestamp.timestamp(),
        fault=None if ready or status is None else _fault(status),
    )


def _fault(status: Any) -> str | None:  # noqa: ANN401 - the client is untyped
    """Return how the container ended, or why it cannot start."""
    ended = status.last_state.terminated or status.state.terminated
    if ended:
        return f"ended with exit code {ended.exit_code} ({ended.reason})"
    return fatal_waiting(status)
