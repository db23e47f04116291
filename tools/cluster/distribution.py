"""Choose the programs of a node: K3s where it is installed, else Kubernetes' own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tools.cluster.configs import ReservedResources
from tools.cluster.k3s import K3s
from tools.cluster.k3s_release import k3s
from tools.cluster.upstream_kubernetes import UpstreamKubernetes
from tools.control_plane.api import Manifest
from tools.images.scratch import ScratchImage
from tools.node.spec import NodeComponent


class Distribution(Protocol):
    """Programs, files and objects of a node; paths are those inside the node."""

    @property
    def images(self) -> Mapping[str, ScratchImage]: ...

    def environment(self) -> dict[str, str]: ...

    def manifests(self) -> dict[str, Manifest]: ...

    def components(self) -> tuple[NodeComponent, ...]: ...

    def files(self) -> dict[str, str]: ...

    def links(self) -> dict[str, str]: ...

    def ctr(self) -> tuple[str, ...]:
        """Return the command that manages the images of its containerd."""

    def authority(self, folder: Path) -> Path:
        """Return the certificate of the API server's authority, as a path on the host."""


def choose_distribution(node: str, cgroup: str, reserved: ReservedResources) -> Distribution:
    """Return K3s where the program is installed, else Kubernetes' own. Raises ToolchainError."""
    program = k3s()
    return K3s(node, cgroup, reserved, program) if program else UpstreamKubernetes(node, cgroup, reserved)
