"""What a node is made of: K3s where there is one, else Kubernetes' own programs. Both get the same first objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tools.cluster.configs import ReservedResources
from tools.cluster.k3s import K3s
from tools.cluster.k3s_release import k3s
from tools.cluster.upstream import Upstream
from tools.control_plane.api import Manifest
from tools.images.scratch import ScratchImage
from tools.node.spec import NodeComponent


class Distribution(Protocol):
    """Everything about a node but its namespaces; texts and paths are as they are inside."""

    @property
    def images(self) -> Mapping[str, ScratchImage]: ...

    def environment(self) -> dict[str, str]: ...

    def manifests(self) -> dict[str, Manifest]: ...

    def components(self) -> tuple[NodeComponent, ...]: ...

    def files(self) -> dict[str, str]: ...

    def links(self) -> dict[str, str]: ...

    def ctr(self) -> tuple[str, ...]:
        """The command for the images of its containerd."""

    def authority(self, folder: Path) -> Path:
        """The certificate that its API server is known by, in the cluster's folder as the host sees it."""


def distribution(node: str, cgroup: str, reserved: ReservedResources) -> Distribution:
    """The one that this machine has the means for. Raises ToolchainError."""
    program = k3s()
    return K3s(node, cgroup, reserved, program) if program else Upstream(node, cgroup, reserved)
