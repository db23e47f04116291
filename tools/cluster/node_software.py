"""Parts that a node has in common, whichever distribution of Kubernetes it runs."""

from dataclasses import dataclass
from functools import cached_property

from tools.cluster import images, manifests
from tools.cluster.configs import ReservedResources
from tools.cluster.packages import NodePrograms, programs
from tools.control_plane.api import Manifest
from tools.images.scratch import ScratchImage


@dataclass(frozen=True)
class NodeSoftware:
    """Programs, images and objects of a node, the base of each distribution."""

    node: str
    cgroup: str
    reserved: ReservedResources

    @cached_property
    def programs(self) -> NodePrograms:
        return programs()

    @cached_property
    def images(self) -> dict[str, ScratchImage]:
        return images.system_images(self.programs)

    def environment(self) -> dict[str, str]:
        return self.programs.environment

    def manifests(self) -> dict[str, Manifest]:
        return manifests.objects(self.images)
