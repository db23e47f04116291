"""A node that runs K3s, with the same network, DNS and volumes as the node of Kubernetes' own programs.

The command line follows K3s' documentation and source; it was written without a copy of K3s.
`tests/cluster/test_k3s.py` runs K3s where it is on PATH, else a stand-in that takes the same flags.

Components that K3s would pull from a registry are turned off: the node cannot reach one. K3s makes its own certificate
authority, which the cluster takes over; the cluster's users are known to it by their tokens.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cluster import configs, images, node_program
from tools.cluster.configs import EVICTION_BYTES
from tools.cluster.node_software import NodeSoftware
from tools.control_plane.networks import PODS, SERVICES
from tools.node.layout import ADDRESS, API_PORT, DNS_SERVICE, HOME
from tools.node.spec import NodeComponent

K3S: Final = "k3s"
DATA: Final = HOME / K3S
AUTHORITY: Final = "server/tls/server-ca.crt"  # below its data
DISABLED: Final = (
    "coredns",
    "local-storage",
    "metrics-server",
    "servicelb",
    "traefik",
)  # replaced by ours, or not needed
LIMITS: Final = ("max-per-core=0", "min=0", "tcp-timeout-established=0s", "tcp-timeout-close-wait=0s")
# The paths that its containerd reads when flannel is off; the node's /etc and /opt are not the host's.
CNI_CONFIGURATION: Final = "/etc/cni/net.d/10-synapse.conflist"
CNI_PROGRAMS: Final = Path("/opt/cni/bin")


@dataclass(frozen=True)
class K3s(NodeSoftware):
    """K3s as the one component of a node."""

    program: Path

    def components(self) -> tuple[NodeComponent, ...]:
        return (NodeComponent(name=K3S, command=(str(self.program), "server", *self._server(), *self._kubelet())),)

    def files(self) -> dict[str, str]:
        gate = str(CNI_PROGRAMS / configs.POLICY_GATE)
        return {CNI_CONFIGURATION: configs.network(), gate: node_program.policy_gate(), str(configs.RESOLVER): ""}

    def links(self) -> dict[str, str]:
        return {str(CNI_PROGRAMS / name): str(path) for name, path in self.programs.cni().items()}

    def ctr(self) -> tuple[str, ...]:
        return (str(self.program), "ctr")

    def authority(self, folder: Path) -> Path:
        return folder / K3S / AUTHORITY

    def _server(self) -> tuple[str, ...]:
        return (
            f"--data-dir={DATA}",
            f"--write-kubeconfig={DATA / 'kubeconfig'}",
            f"--https-listen-port={API_PORT}",
            f"--node-name={self.node}",
            f"--node-ip={ADDRESS}",
            f"--advertise-address={ADDRESS}",
            f"--cluster-cidr={PODS}",
            f"--service-cidr={SERVICES}",
            f"--cluster-dns={DNS_SERVICE}",
            f"--resolv-conf={configs.RESOLVER}",
            f"--pause-image={self.images[images.PAUSE].reference}",
            "--flannel-backend=none",
            f"--disable={','.join(DISABLED)}",
            "--disable-cloud-controller",
            f"--kube-apiserver-arg=token-auth-file={HOME / 'tokens.csv'}",
            *(f"--kube-proxy-arg=conntrack-{limit}" for limit in LIMITS),
        )

    def _kubelet(self) -> tuple[str, ...]:
        arguments = (
            f"cgroup-root={self.cgroup}",
            f"root-dir={HOME / 'kubelet'}",
            f"system-reserved=memory={self.reserved.memory},cpu={self.reserved.cpu}m",
            f"eviction-hard=memory.available<{EVICTION_BYTES},nodefs.available<1%,imagefs.available<1%",
            "image-gc-high-threshold=100",
        )
        return tuple(f"--kubelet-arg={argument}" for argument in arguments)
