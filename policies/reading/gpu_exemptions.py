"""Exemptions for GPU infrastructure: pods that provide or measure GPUs, by image, with the least permissions.

Every container of such a pod runs the program of its image, pinned by digest. All other rules apply as for any pod.
"""

import re
from dataclasses import dataclass

from policies.reading.claims import Container, containers
from policies.reading.pods import Pods
from policies.reading.unknowns import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Permissions of the pods of one image, in one namespace where one is named, and the reason."""

    repository: str
    because: str
    namespace: str | None = None
    sees_gpus: bool = False
    host_paths: tuple[str, ...] = ()
    runs_as_root: bool = False

    @property
    def permissions(self) -> str:
        """Return the permissions as text."""
        folders = [f"mount `{path}` of the host" for path in self.host_paths]
        sees, root = ["see every GPU without a claim"] * self.sees_gpus, ["run as root"] * self.runs_as_root
        return ", ".join([*sees, *folders, *root])


NO_EXEMPTION = Exemption(repository="", because="")
EXEMPTIONS: tuple[Exemption, ...] = (
    Exemption(
        repository="nvcr.io/nvidia/k8s/dcgm-exporter",
        because="it measures every GPU, and must not claim one that a workload needs",
        sees_gpus=True,
    ),
    Exemption(
        repository="nvcr.io/nvidia/k8s-device-plugin",
        because="it makes GPUs claimable, and registers them at the kubelet by a socket in a folder of root",
        namespace="kube-system",
        sees_gpus=True,
        host_paths=("/var/lib/kubelet/device-plugins",),
        runs_as_root=True,
    ),
)


def exemption(pods: Pods) -> Exemption:
    """Return the exemption of *pods*, or `NO_EXEMPTION`."""
    return next((candidate for candidate in EXEMPTIONS if _matches(pods, candidate)), NO_EXEMPTION)


def _matches(pods: Pods, candidate: Exemption) -> bool:
    all_containers = [] if pods.spec.get("containers") is UNKNOWN else containers(pods.spec)
    is_namespace = candidate.namespace in (None, pods.owner.namespace)
    return is_namespace and bool(all_containers) and all(_runs(each, candidate.repository) for each in all_containers)


def _runs(container: Container, repository: str) -> bool:
    pinned = rf"{re.escape(repository)}(:[\w.-]+)?@sha256:[0-9a-f]{{64}}"
    return re.fullmatch(pinned, str(container.get("image"))) is not None and not container.get("command")
