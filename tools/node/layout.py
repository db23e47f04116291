"""Where things are inside a node, and the addresses it uses: the same in every cluster, each has its own namespaces."""

from pathlib import Path
from typing import Final

HOME: Final = Path("/run/node")  # the cluster's folder; short, because a Unix socket's path must fit in 107 bytes
SYSTEM: Final = Path("/run/system")  # what goes with the node: links to programs, configurations

BRIDGE: Final = "cni0"
ADDRESS: Final = "10.42.0.1"  # the node's own, on the bridge: kubelet and kube-router refuse loopback
PREFIX: Final = 24
NODE_PODS: Final = "10.42.0.0/24"
KUBERNETES_SERVICE: Final = "10.43.0.1"  # the first address of the services' range, always
DNS_SERVICE: Final = "10.43.0.10"  # as K3s has it
DOMAIN: Final = "cluster.local"
API_PORT: Final = 6443
KUBELET_PORT: Final = 10250

CONTROL: Final = "control"  # the socket on which process 1 takes forwards, in the folder

CONTAINERD_SOCKET: Final = HOME / "containerd.sock"
VOLUMES: Final = HOME / "volumes"  # local-path's
