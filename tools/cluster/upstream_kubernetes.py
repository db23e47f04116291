"""A node that runs Kubernetes' own programs, with the same additions as K3s."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster import configs, images, node_program
from tools.cluster.credentials import KUBE_PROXY, KUBE_ROUTER, KUBELET, KUBELET_CLIENT, credentials
from tools.cluster.node_software import NodeSoftware
from tools.control_plane.components import API_SERVER, ETCD, STORE, ControlPlane
from tools.control_plane.credentials import CONTROLLER_MANAGER, SCHEDULER
from tools.control_plane.networks import PODS, SERVICES
from tools.node import layout
from tools.node.layout import ADDRESS, API_PORT, HOME
from tools.node.spec import NodeComponent
from tools.offline.toolchain import tool

CONTAINERD: Final = "containerd"
IMAGES: Final = "k8s.io"  # containerd's namespace for Kubernetes
API: Final = f"{ADDRESS}:{API_PORT}"
STORE_SOCKET: Final = STORE.removeprefix("unix://")
CNI_CONFIGURATION: Final = configs.CNI_CONFIGURATIONS / "10-synapse.conflist"


@dataclass(frozen=True)
class UpstreamKubernetes(NodeSoftware):
    """Components and files of a node of Kubernetes' own programs, as upstream publishes them."""

    def components(self) -> tuple[NodeComponent, ...]:
        """Return the components in the order of their start."""
        runtime = f"{layout.CONTAINERD_SOCKET}"
        return (
            NodeComponent(name=ETCD, command=(str(tool(ETCD)), *self._plane.etcd())),
            NodeComponent(name=CONTAINERD, command=self._containerd()),
            NodeComponent(name=API_SERVER, command=self._api_server(), needs=(STORE_SOCKET,)),
            NodeComponent(name=CONTROLLER_MANAGER, command=self._controller_manager(), needs=(API,)),
            NodeComponent(name=SCHEDULER, command=(str(tool(SCHEDULER)), *self._plane.scheduler()), needs=(API,)),
            NodeComponent(name=KUBELET, command=self._kubelet(), needs=(runtime, API)),
            NodeComponent(name=KUBE_PROXY, command=self._kube_proxy(), needs=(API,)),
            NodeComponent(name=KUBE_ROUTER, command=self._kube_router(), needs=(layout.SERVICE_RULES,)),
        )

    def files(self) -> dict[str, str]:
        """Return the configuration files by their path inside the node."""
        pause = self.images[images.PAUSE].reference
        contents = {
            configs.CONTAINERD: configs.containerd(self.programs.program("runc"), pause),
            configs.KUBELET: configs.kubelet(self.cgroup, self.reserved),
            configs.KUBE_PROXY: configs.kube_proxy(self.node),
            configs.RESOLVER: "",
            CNI_CONFIGURATION: configs.network(),
            configs.CNI_PROGRAMS / configs.POLICY_GATE: node_program.policy_gate(),
        }
        return {str(path): content for path, content in contents.items()}

    def links(self) -> dict[str, str]:
        return {str(configs.CNI_PROGRAMS / name): str(path) for name, path in self.programs.cni().items()}

    def ctr(self) -> tuple[str, ...]:
        return (str(self.programs.program("ctr")), "-a", str(layout.CONTAINERD_SOCKET), "-n", IMAGES)

    def authority(self, folder: Path) -> Path:
        return credentials(folder, self.node).authority

    @property
    def _plane(self) -> ControlPlane:
        inside = credentials(HOME, self.node)
        return ControlPlane(folder=HOME, bind="0.0.0.0", port=API_PORT, advertised=ADDRESS, credentials=inside)  # noqa: S104 - the node has its own network

    def _api_server(self) -> tuple[str, ...]:
        inside = self._plane.credentials
        return (
            str(tool(API_SERVER)),
            *self._plane.api_server(),
            "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-certificate-authority={inside.authority}",
            f"--kubelet-client-certificate={inside.certificate(KUBELET_CLIENT)}",
            f"--kubelet-client-key={inside.key(KUBELET_CLIENT)}",
            "--kubelet-preferred-address-types=InternalIP",
        )

    def _controller_manager(self) -> tuple[str, ...]:
        pods = ("--allocate-node-cidrs=true", f"--cluster-cidr={PODS}")
        return (str(tool(CONTROLLER_MANAGER)), *self._plane.controller_manager(), *pods)

    def _containerd(self) -> tuple[str, ...]:
        return (str(self.programs.program(CONTAINERD)), f"--config={configs.CONTAINERD}")

    def _kubelet(self) -> tuple[str, ...]:
        return (
            str(tool(KUBELET)),
            f"--config={configs.KUBELET}",
            f"--kubeconfig={self._kubeconfig(KUBELET)}",
            f"--hostname-override={self.node}",
            f"--node-ip={ADDRESS}",
            f"--root-dir={HOME / 'kubelet'}",
        )

    def _kube_proxy(self) -> tuple[str, ...]:
        return (str(tool(KUBE_PROXY)), f"--config={configs.KUBE_PROXY}")

    def _kube_router(self) -> tuple[str, ...]:
        """Return kube-router's command: its firewall only, as in K3s."""
        return (
            str(tool(KUBE_ROUTER)),
            f"--kubeconfig={self._kubeconfig(KUBE_ROUTER)}",
            f"--hostname-override={self.node}",
            f"--service-cluster-ip-range={SERVICES}",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            "--enable-cni=false",
        )

    def _kubeconfig(self, user: str) -> Path:
        return credentials(HOME, self.node).kubeconfig(user)
