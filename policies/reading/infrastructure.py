"""Pods that serve the GPU rather than use it, and so may do what no other pod may: by image, and as little as it takes.

Every container of such a pod, of whatever kind, runs its image's own program, pinned by digest. Whatever is not named
here is judged as in any other pod.
"""

import re
from dataclasses import dataclass

from policies.reading.claims import Container, containers
from policies.reading.pods import Pods
from policies.reading.unknowns import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Leave:
    """What the pods of one image may do, in one namespace alone where one is named, and why they must."""

    repository: str
    because: str
    namespace: str | None = None
    sees_gpus: bool = False
    host_paths: tuple[str, ...] = ()
    runs_as_root: bool = False

    @property
    def words(self) -> str:
        """What it lets pods do, for a person."""
        folders = [f"mount `{path}` of the host" for path in self.host_paths]
        sees, root = ["see every GPU without a claim"] * self.sees_gpus, ["run as root"] * self.runs_as_root
        return ", ".join([*sees, *folders, *root])


NO_LEAVE = Leave(repository="", because="")
LEAVES: tuple[Leave, ...] = (
    Leave(
        repository="nvcr.io/nvidia/k8s/dcgm-exporter",
        because="it measures every GPU, and a claim of its own would take one from those that work on it",
        sees_gpus=True,
    ),
    Leave(
        repository="nvcr.io/nvidia/k8s-device-plugin",
        because="it is what makes GPUs claimable, and tells the kubelet so by a socket in a folder of root's",
        namespace="kube-system",
        sees_gpus=True,
        host_paths=("/var/lib/kubelet/device-plugins",),
        runs_as_root=True,
    ),
)


def leave(pods: Pods) -> Leave:
    """What *pods* may do beside what every pod may; `NO_LEAVE` but for those of `LEAVES`."""
    return next((found for found in LEAVES if _has(pods, found)), NO_LEAVE)


def _has(pods: Pods, found: Leave) -> bool:
    all_of_them = [] if pods.spec.get("containers") is UNKNOWN else containers(pods.spec)
    is_there = found.namespace in (None, pods.owner.namespace)
    return is_there and bool(all_of_them) and all(_runs(each, found.repository) for each in all_of_them)


def _runs(container: Container, repository: str) -> bool:
    pinned = rf"{re.escape(repository)}(:[\w.-]+)?@sha256:[0-9a-f]{{64}}"
    return re.fullmatch(pinned, str(container.get("image"))) is not None and not container.get("command")
