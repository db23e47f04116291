"""The pods of a release, one by one: what each was told to run, what it does run, and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from infra.errors import ReleaseError

HOPELESS: Final = frozenset(
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
"""What a container waits for in vain: the kubelet has tried at least once."""


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One pod. *image*: as the Deployment says; *image_id*: as the node says, with the digest that it unpacked."""

    name: str
    image: str
    image_id: str
    is_ready: bool
    made: float  # seconds since 1970
    fault: str | None

    def runs(self, image: str) -> bool:
        """Whether the node says so, by digest."""
        return self.image_id.rpartition("@")[2] == image.rpartition("@")[2]


def replicas(pods: Iterable[Any]) -> tuple[Replica, ...]:
    """Those of *pods*, as the API has them, that are not on their way out; the oldest first."""
    found = (_replica(pod) for pod in pods if not pod.metadata.deletion_timestamp)
    return tuple(sorted(found, key=lambda replica: replica.made))


def serving(found: Iterable[Replica]) -> str | None:
    """The image of the oldest that can serve: in a rollout, the one before."""
    return next((replica.image for replica in found if replica.is_ready), None)


def fault(found: Iterable[Replica], image: str) -> str | None:
    """What is wrong with the first that cannot run *image*."""
    return next(
        (f"{replica.name}: {replica.fault}" for replica in found if replica.image == image and replica.fault), None
    )


def check(found: Iterable[Replica], image: str, count: int) -> None:
    """Raises ReleaseError unless there are *count* pods, all ready, each with *image* by the node's own word."""
    pods = tuple(found)
    wrong = [f"{replica.name} runs {replica.image_id or 'nothing'}" for replica in pods if not replica.runs(image)]
    wrong += [f"{replica.name} is not ready" for replica in pods if not replica.is_ready]
    if len(pods) != count:
        wrong.append(f"there are {len(pods)} pods and not {count}")
    if wrong:
        raise ReleaseError("; ".join(wrong))


def _replica(pod: Any) -> Replica:  # noqa: ANN401 - the client is untyped
    conditions = {found.type: found.status for found in pod.status.conditions or []}
    status = next(iter(pod.status.container_statuses or []), None)
    is_ready = conditions.get("Ready") == "True"
    return Replica(
        name=pod.metadata.name,
        image=pod.spec.containers[0].image,
        image_id=status.image_id if status else "",
        is_ready=is_ready,
        made=pod.metadata.creation_timestamp.timestamp(),
        fault=None if is_ready or status is None else _fault(status),
    )


def _fault(status: Any) -> str | None:  # noqa: ANN401 - the client is untyped
    """Of a container that is not ready: it has ended before, or cannot be started."""
    waiting, ended = status.state.waiting, status.last_state.terminated or status.state.terminated
    if ended:
        return f"ended with exit code {ended.exit_code} ({ended.reason})"
    if waiting and waiting.reason in HOPELESS:
        return f"{waiting.reason}: {waiting.message or 'no more is known'}"
    return None
